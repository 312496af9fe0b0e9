// SPDX-License-Identifier: Apache-2.0

package library

import (
	"errors"
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

const (
	coalesceName = "coalesce"
	// maxCoalesced is the largest number of arguments. CEL has no variadic functions, so each number needs an overload.
	maxCoalesced = 20
)

// ErrNoValue is the error of a call of coalesce in which no argument has a value. Package expression reports it as a
// missing value.
var ErrNoValue = errors.New("no value")

// Coalesce is a library of CEL that declares coalesce(a, b, …). Its result is the first argument that has a value. An
// argument has no value if its path is missing, if it is null, or if it is "". A missing argument is not an error. If
// no argument has a value, the call fails with ErrNoValue. coalesce([a, b, …]) has the same result, and coalesce(list)
// is the first element of a list that has a value.
//
// CEL evaluates the arguments of a function before the call, so that a missing argument would fail. Decorate therefore
// plans a call that evaluates the arguments one by one, and stops at the first that has a value.
type Coalesce struct{}

// CompileOptions declares the function for every number of arguments.
func (Coalesce) CompileOptions() []cel.EnvOption {
	overloads := make([]cel.FunctionOpt, maxCoalesced)
	for i := range overloads {
		arguments := make([]*cel.Type, i+1)
		for j := range arguments {
			arguments[j] = cel.DynType
		}
		overloads[i] = cel.Overload(fmt.Sprintf("coalesce_%d", len(arguments)), arguments, cel.DynType)
	}
	return []cel.EnvOption{
		cel.Function(coalesceName, overloads...),
		cel.Macros(cel.GlobalVarArgMacro(coalesceName, expandCoalesce)),
	}
}

// ProgramOptions returns no options.
func (Coalesce) ProgramOptions() []cel.ProgramOption { return nil }

// expandCoalesce turns coalesce([a, b]) into coalesce(a, b), since CEL would evaluate all elements of the list at once.
func expandCoalesce(factory cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	expanded := len(args) == 1 && args[0].Kind() == ast.ListKind && args[0].AsList().Size() > 0
	if expanded {
		args = args[0].AsList().Elements()
	}
	if len(args) > maxCoalesced {
		return nil, factory.NewError(args[maxCoalesced].ID(), fmt.Sprintf("coalesce takes at most %d values", maxCoalesced))
	}
	if !expanded {
		return nil, nil
	}
	return factory.NewCall(coalesceName, args...), nil
}

// Decorate is the hook that CEL calls for each node of a planned expression.
func (Coalesce) Decorate(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok && call.Function() == coalesceName {
		return &coalesceCall{call}, nil
	}
	return i, nil
}

// coalesceCall evaluates its arguments in order until one has a value.
type coalesceCall struct {
	interpreter.InterpretableCall
}

// Exec returns the first value, or the first error that does not mean a missing value, or ErrNoValue.
func (c *coalesceCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	for _, arg := range c.Args() {
		value := arg.Exec(frame)
		if l, ok := value.(traits.Lister); ok && len(c.Args()) == 1 {
			value = firstPresent(l)
		}
		if present(value) {
			return Unwrap(value)
		}
	}
	return types.LabelErrNode(c.ID(), types.WrapErr(ErrNoValue))
}

// Eval evaluates the call for callers that have an activation and no execution frame.
func (c *coalesceCall) Eval(activation interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(activation))
}

func firstPresent(l traits.Lister) ref.Val {
	for it := l.Iterator(); it.HasNext() == types.True; {
		if value := it.Next(); present(value) {
			return value
		}
	}
	return types.NullValue
}

// present reports whether coalesce stops at a value. It also stops at an error, unless the error is a missing value.
func present(v ref.Val) bool {
	if IsAbsent(v) {
		return false
	}
	if optional, ok := v.(*types.Optional); ok && !optional.HasValue() {
		return false
	}
	v = Unwrap(v)
	return v != types.NullValue && v != types.String("")
}
