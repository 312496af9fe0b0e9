// SPDX-License-Identifier: Apache-2.0

package library

import (
	"math"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// Numbers is a library of CEL that lets +, -, *, / and % mix integers and decimal numbers. JSON has one type of number,
// so a sender can write a total as 129 in one event and as 129.5 in the next. CEL has two types, and its operators
// reject a mixture: total * 0.9 would fail for the first event only. If one operand is a decimal number, Doorbell
// computes with decimal numbers. Two integers keep the rules of CEL: the result is an integer, and / drops the
// remainder, so that 7 / 2 is 3.
//
// The library only declares the types, and MixedArithmetic computes. The declared result is dyn, not double, so that it
// can be compared with an integer as well: CEL's type checker allows == only for two values of the same type.
type Numbers struct{}

// CompileOptions declares the operators for an integer and a decimal number.
func (Numbers) CompileOptions() []cel.EnvOption {
	var options []cel.EnvOption
	for _, operator := range []string{operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo} {
		overloads := []cel.FunctionOpt{
			cel.Overload(operator+"int_double", []*cel.Type{cel.IntType, cel.DoubleType}, cel.DynType),
			cel.Overload(operator+"double_int", []*cel.Type{cel.DoubleType, cel.IntType}, cel.DynType),
		}
		if operator == operators.Modulo { // CEL has it for integers only
			overloads = append(overloads, cel.Overload(operator+"double_double", []*cel.Type{cel.DoubleType, cel.DoubleType}, cel.DoubleType))
		}
		options = append(options, cel.Function(operator, overloads...))
	}
	return options
}

// ProgramOptions returns no options.
func (Numbers) ProgramOptions() []cel.ProgramOption { return nil }

// MixedArithmetic returns the result of an operator if one operand is a decimal number and the other is any number. It
// returns nil for all other operands, which CEL computes.
func MixedArithmetic(operator string, a, b ref.Val) ref.Val {
	x, xDecimal, ok := decimal(a)
	if !ok {
		return nil
	}
	y, yDecimal, ok := decimal(b)
	if !ok || !xDecimal && !yDecimal {
		return nil
	}
	switch operator {
	case operators.Add:
		return types.Double(x + y)
	case operators.Subtract:
		return types.Double(x - y)
	case operators.Multiply:
		return types.Double(x * y)
	case operators.Divide:
		return types.Double(x / y)
	case operators.Modulo:
		return types.Double(math.Mod(x, y)) // has the sign of x, like % for integers
	default:
		return nil
	}
}

// decimal returns a number as a decimal number, and reports whether it was one already.
func decimal(v ref.Val) (value float64, already, ok bool) {
	switch v := v.(type) {
	case types.Double:
		return float64(v), true, true
	case types.Int:
		return float64(v), false, true
	default:
		return 0, false, false
	}
}
