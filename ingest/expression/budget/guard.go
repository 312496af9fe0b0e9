// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/functions"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	"github.com/doorbell-dev/doorbell/ingest/expression/library"
	"github.com/doorbell-dev/doorbell/ingest/expression/mistake"
)

// Guard replaces the calls of expensive functions in a planned expression by calls that check the budget first. It is
// safe for concurrent use.
type Guard struct {
	estimates map[string]func([]ref.Val) int
	overloads map[string]*functions.Overload
}

// NewGuard returns a Guard for the functions of an environment.
func NewGuard(env *cel.Env) (*Guard, error) {
	g := &Guard{estimates: estimates(), overloads: map[string]*functions.Overload{}}
	for name, function := range env.Functions() {
		if _, guarded := g.estimates[name]; !guarded {
			continue
		}
		bindings, err := function.Bindings()
		if err != nil {
			return nil, err
		}
		for _, overload := range bindings {
			g.overloads[overload.Operator] = overload
		}
	}
	return g, nil
}

// Decorate is the hook that CEL calls for each node of a planned expression.
func (g *Guard) Decorate(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := i.(interpreter.InterpretableCall)
	if !ok {
		return i, nil
	}
	estimate, ok := g.estimates[call.Function()]
	if !ok {
		return i, nil
	}
	overload := g.overloads[call.OverloadID()]
	if overload == nil {
		overload = g.overloads[call.Function()]
	}
	return &guardedCall{InterpretableCall: call, estimate: estimate, overload: overload}, nil
}

// guardedCall evaluates the arguments of a call, charges the work that the call is about to do, and only then calls.
type guardedCall struct {
	interpreter.InterpretableCall
	estimate func([]ref.Val) int
	overload *functions.Overload
}

// Exec evaluates the call in the same steps as the call nodes of cel-go, and checks the budget before the call.
func (c *guardedCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, len(c.Args()))
	for i, arg := range c.Args() {
		if args[i] = arg.Exec(frame); types.IsUnknownOrError(args[i]) {
			return args[i]
		}
	}
	if !c.affordable(frame, args) {
		return Exceeded()
	}
	return types.LabelErrNode(c.ID(), c.explained(c.call(args), args))
}

// Eval evaluates the call for callers that have an activation and no execution frame.
func (c *guardedCall) Eval(activation interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(activation))
}

// affordable charges the call to the budget, and reports whether the evaluation is still within it.
func (c *guardedCall) affordable(frame *interpreter.ExecutionFrame, args []ref.Val) bool {
	found, ok := frame.ResolveName(Variable)
	if !ok {
		return false
	}
	b, ok := found.(*Budget)
	return ok && b.Charge(c.estimate(args))
}

func (c *guardedCall) call(args []ref.Val) ref.Val {
	switch c.Function() { // CEL plans these two without an overload
	case operators.Equals:
		return types.Equal(args[0], args[1])
	case operators.NotEquals:
		return types.Bool(types.Equal(args[0], args[1]) != types.True)
	}
	if len(args) == 2 {
		if result := library.MixedArithmetic(c.Function(), args[0], args[1]); result != nil {
			return result
		}
	}
	if o := c.overload; o != nil && (o.OperandTrait == 0 || args[0].Type().HasTrait(o.OperandTrait)) {
		switch {
		case o.Unary != nil && len(args) == 1:
			return o.Unary(args[0])
		case o.Binary != nil && len(args) == 2:
			return o.Binary(args[0], args[1])
		case o.Function != nil:
			return o.Function(args...)
		}
	}
	if receiver, ok := args[0].(traits.Receiver); ok {
		return receiver.Receive(c.Function(), c.OverloadID(), args[1:])
	}
	return types.NoSuchOverloadErr()
}

// explained replaces CEL's "no such overload" by an error that names the types of the arguments.
func (c *guardedCall) explained(result ref.Val, args []ref.Val) ref.Val {
	failure, ok := result.(*types.Err)
	if !ok || !strings.HasPrefix(failure.String(), types.NoSuchOverloadErr().(*types.Err).String()) {
		return result
	}
	mismatch := &MismatchError{Function: c.Function()}
	for _, arg := range args {
		mismatch.Types = append(mismatch.Types, mistake.TypeWord(arg.Type()))
	}
	return types.WrapErr(mismatch)
}
