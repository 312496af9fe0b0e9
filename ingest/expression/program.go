// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/doorbell-dev/doorbell/ingest/expression/budget"
	"github.com/doorbell-dev/doorbell/ingest/expression/library"
)

// Three bounds together keep an expression and an event from occupying a worker for long: maxIterations bounds the
// loops, package budget bounds the function calls, and maxResult bounds the value.

// maxIterations bounds the loop iterations of one evaluation; the iterations of nested loops add up. CEL's own cost
// limit cannot do this, because its tracker takes quadratic time inside loops.
const maxIterations = 20_000

// program is an executable CEL expression. It is safe for concurrent use.
type program struct {
	text string
	root interpreter.InterpretableV2 // of the plan
	ast  *ast.AST                    // for the texts in errors
}

// ended is a context that is already cancelled. CEL checks its context once every maxIterations iterations, so that a
// cancelled context stops the evaluation at the first check and a timer is not needed.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // it must be cancelled from the start, so it has no parent
	cancel()
	return ctx
}()

// evalCEL returns the value of a CEL expression as JSON. It starts with a full budget.
func (x *Expression) evalCEL(in *Input) ([]byte, error) {
	in.budget = budget.Budget{}
	value, err := x.program.eval(in)
	if err != nil {
		return nil, x.evalError(in, err)
	}
	e := encoder{}
	switch out, err := e.value(nil, value); {
	case err != nil:
		return nil, &EvalError{err.Error()}
	case out == nil:
		return nil, missing(x, in, 0, "")
	default:
		return out, nil
	}
}

// eval evaluates the plan, as the ContextEval of a cel.Program does.
func (p *program) eval(in *Input) (value ref.Val, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("internal error: %v", cause)
		}
	}()
	frame, err := interpreter.NewExecutionFrame(in)
	if err != nil {
		return nil, err
	}
	defer frame.Close()
	if err := frame.SetContext(ended, maxIterations); err != nil {
		return nil, err
	}
	value = p.root.Exec(frame)
	if failure, ok := value.(*types.Err); ok {
		return nil, failure
	}
	return value, nil
}

// evalError turns an error of CEL into a *MissingError or an *EvalError.
func (x *Expression) evalError(in *Input, err error) error {
	var node int64
	if failure, ok := errors.AsType[*types.Err](err); ok && failure != types.NoSuchOverloadErr() {
		node = failure.NodeID() // NoSuchOverloadErr is one shared value, so its node can belong to another evaluation
	}
	if key, ok := strings.CutPrefix(err.Error(), library.NoSuchKey); ok || errors.Is(err, library.ErrNoValue) {
		return missing(x, in, node, key)
	}
	if errors.Is(err, interpreter.InterruptError{}) {
		return &EvalError{fmt.Sprintf("the expression loops more than %d times on this event", maxIterations)}
	}
	if mismatch, ok := errors.AsType[*budget.MismatchError](err); ok {
		return &EvalError{mismatch.Explain(x.program.source(node))}
	}
	if index, ok := strings.CutPrefix(err.Error(), library.OutOfBounds); ok {
		return &EvalError{fmt.Sprintf("index %s is out of bounds in %s", index, x.program.source(node))}
	}
	if reason, ok := x.program.mistyped(node, err); ok {
		return &EvalError{reason}
	}
	return &EvalError{err.Error()}
}

// conversions maps each conversion function to a description of its result.
var conversions = map[string]string{
	"int": "an integer", "uint": "an unsigned integer", "double": "a number", "bool": "a boolean", "string": "a string",
	"timestamp": "a timestamp", "duration": "a duration",
}

// operands describes what operators and functions need. Package budget explains wrong arguments of the functions that
// it guards.
var operands = map[string]string{
	operators.LogicalAnd: "&& needs booleans", operators.LogicalOr: "|| needs booleans", operators.LogicalNot: "! needs a boolean",
	operators.Conditional: `? needs a boolean before it`, operators.Negate: "- needs a number",
	"orValue": "orValue needs an optional, such as body.?x; for a default value, write coalesce(VALUE, DEFAULT)",
}

// mistyped explains the failure of a conversion or an operator. It reports false for every other failure.
func (p *program) mistyped(node int64, err error) (string, bool) {
	if node == 0 { // CEL does not report the position of these functions
		node = cmp.Or(p.findCall("orValue"), p.findCall(operators.Negate))
	}
	expr := p.find(node)
	if node == 0 || expr.Kind() != ast.CallKind {
		return "", false
	}
	function := expr.AsCall().FunctionName()
	if result, ok := conversions[function]; ok && !expr.AsCall().IsMemberFunction() {
		return fmt.Sprintf("%s: cannot convert the value to %s", p.source(node), result), true
	}
	need, ok := operands[function]
	return p.source(node) + ": " + need, ok && errors.Is(err, types.NoSuchOverloadErr().(*types.Err))
}

// maxSource bounds, in characters, the part of an expression that a message shows.
const maxSource = 80

// source returns the text of a node, on one line and shortened. Node 0 is the whole expression.
func (p *program) source(node int64) string {
	text := p.text
	if part, err := cel.ExprToString(p.find(node), p.ast.SourceInfo()); err == nil && node != 0 {
		text = part
	}
	text = strings.Join(strings.Fields(text), " ")
	if characters := []rune(text); len(characters) > maxSource {
		return string(characters[:maxSource]) + "…"
	}
	return text
}

// findCall returns the node of the first call of a function, or 0.
func (p *program) findCall(function string) int64 {
	var node int64
	ast.PreOrderVisit(p.ast.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if node == 0 && e.Kind() == ast.CallKind && e.AsCall().FunctionName() == function {
			node = e.ID()
		}
	}))
	return node
}

// find returns a node of the expression, or the whole expression if there is no such node.
func (p *program) find(node int64) ast.Expr {
	found := p.ast.Expr()
	ast.PreOrderVisit(p.ast.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == node {
			found = e
		}
	}))
	return found
}
