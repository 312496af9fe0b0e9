// SPDX-License-Identifier: Apache-2.0

package mistake

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// optionalReceiver finds body.?a.startsWith('x').
func optionalReceiver(f *finder) (Mistake, bool) {
	call, ok := f.call()
	if !ok || !call.IsMemberFunction() || !isOptional(f.typeOf(call.Target())) {
		return Mistake{}, false
	}
	name := f.at(f.offset) - 1
	problem := fmt.Sprintf("an optional has no function %s", call.FunctionName())
	return f.orValue(f.operandBefore(name-1), name-1, "''", problem), true
}

// callStyle finds lowerAscii(x) instead of x.lowerAscii(), and x.string() instead of string(x).
func callStyle(f *finder) (Mistake, bool) {
	call, ok := f.call()
	if !ok {
		return Mistake{}, false
	}
	function, ok := f.env.Functions()[call.FunctionName()]
	if !ok {
		return Mistake{}, false
	}
	styles := map[bool]bool{}
	for _, overload := range function.OverloadDecls() {
		styles[overload.IsMemberFunction()] = true
	}
	open := f.at(f.offset)
	if styles[call.IsMemberFunction()] || !f.token(open).is("(") {
		return Mistake{}, false
	}
	if call.IsMemberFunction() {
		return f.asFunction(open, call), true
	}
	return f.asMethod(open, call), true
}

func (f *finder) asFunction(open int, call ast.CallExpr) Mistake {
	name := call.FunctionName()
	target := f.operandBefore(open - 2)
	arguments := f.slice(f.token(open).to, f.token(f.closing(open)).from)
	if len(call.Args()) > 0 {
		arguments = ", " + arguments
	}
	fixed := fmt.Sprintf("%s(%s%s)", name, f.slice(f.token(target).from, f.token(open-2).from), arguments)
	return Mistake{
		f.token(open - 1).from, fmt.Sprintf("%s is not called on a value", name), "write " + name + "(VALUE)",
		f.replace(f.token(target).from, f.token(f.closing(open)).to, fixed),
	}
}

func (f *finder) asMethod(open int, call ast.CallExpr) Mistake {
	name := call.FunctionName()
	m := Mistake{f.token(open - 1).from, fmt.Sprintf("%s is called on a value", name), "write VALUE." + name + "(…)", ""}
	end := f.operandAfter(open)
	if len(call.Args()) == 0 || !f.token(end).is(",", ")") {
		return m
	}
	rest := strings.TrimSpace(strings.TrimPrefix(f.slice(f.token(end-1).to, f.token(f.closing(open)).from), ","))
	fixed := fmt.Sprintf("%s.%s(%s)", f.slice(f.token(open).to, f.token(end-1).to), name, rest)
	m.Fixed = f.replace(f.token(open-1).from, f.token(f.closing(open)).to, fixed)
	return m
}

// branches finds a ?: whose two values have different types.
func branches(f *finder) (Mistake, bool) {
	call, ok := f.call()
	if !ok || call.FunctionName() != operators.Conditional {
		return Mistake{}, false
	}
	condition, yes, no := f.typeOf(call.Args()[0]), f.typeOf(call.Args()[1]), f.typeOf(call.Args()[2])
	if condition.Kind() != types.BoolKind && condition.Kind() != types.DynKind {
		return Mistake{f.offset, fmt.Sprintf(`the condition before "?" is %s, not a boolean`, TypeWord(condition)), "", ""}, true
	}
	return Mistake{
		f.offset, fmt.Sprintf(`the two values of "?" have different types: %s and %s`, TypeWord(yes), TypeWord(no)),
		"convert one of them, or write dyn() around it", "",
	}, true
}

// condition finds a value that is not a boolean next to && or ||, or after !.
func condition(f *finder) (Mistake, bool) {
	operand := f.find(f.problem.ExprID)
	if operand == nil {
		return Mistake{}, false
	}
	logical := ""
	ast.PreOrderVisit(f.parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		name := e.AsCall().FunctionName()
		isOperand := slices.ContainsFunc(e.AsCall().Args(), func(arg ast.Expr) bool { return arg.ID() == operand.ID() })
		isItself := e.ID() == operand.ID()
		if (isOperand && (name == operators.LogicalAnd || name == operators.LogicalOr)) || (isItself && name == operators.LogicalNot) {
			logical = map[string]string{operators.LogicalAnd: "&&", operators.LogicalOr: "||", operators.LogicalNot: "!"}[name]
			if isItself {
				operand = e.AsCall().Args()[0]
			}
		}
	}))
	t := f.typeOf(operand)
	if logical == "" || t.Kind() == types.BoolKind {
		return Mistake{}, false
	}
	m := Mistake{Offset: f.offset, Problem: fmt.Sprintf("%s needs a boolean, not %s", logical, TypeWord(t))}
	if logical == "||" {
		m.Advice = "for a default value, write coalesce(VALUE, DEFAULT)"
	}
	if text, err := cel.ExprToString(operand, f.parsed.SourceInfo()); isOptional(t) && err == nil {
		if i := strings.Index(string(f.text), text); i >= 0 {
			m.Advice, m.Fixed = "choose the value of a missing field with orValue", string(f.text[:i])+text+".orValue(false)"+string(f.text)[i+len(text):]
		}
	}
	return m, true
}

// literal finds a regular expression, a timestamp or a duration that is not valid.
func literal(f *finder) (Mistake, bool) {
	expr := f.find(f.problem.ExprID)
	if expr == nil || expr.Kind() != ast.LiteralKind {
		return Mistake{}, false
	}
	text, ok := expr.AsLiteral().(types.String)
	if !ok {
		return Mistake{}, false
	}
	m := Mistake{Offset: f.offset}
	switch function := f.token(f.at(f.offset) - 2).text; function {
	case "matches":
		_, err := regexp.Compile(string(text))
		m.Problem = fmt.Sprintf("%q is not a regular expression: %v", text, strings.TrimPrefix(fmt.Sprint(err), "error parsing regexp: "))
	case "timestamp":
		m.Problem, m.Advice = fmt.Sprintf("%q is not a timestamp", text), "for example, write timestamp('2026-01-15T09:30:00Z')"
	case "duration":
		m.Problem, m.Advice = fmt.Sprintf("%q is not a duration", text), "for example, write duration('1h30m')"
	default:
		return Mistake{}, false
	}
	return m, true
}

// arguments explains every other call that does not accept the types of its arguments.
func arguments(f *finder) (Mistake, bool) {
	call, ok := f.call()
	if !ok {
		return Mistake{}, false
	}
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	words := make([]string, len(args))
	for i, arg := range args {
		words[i] = TypeWord(f.typeOf(arg))
	}
	name := call.FunctionName()
	if shown, ok := operators.FindReverse(name); ok && shown != "" {
		name = shown
	}
	if len(words) == 0 {
		return Mistake{f.offset, name + " needs arguments", "", ""}, true
	}
	return Mistake{f.offset, fmt.Sprintf("%s does not accept %s", name, strings.Join(words, " and ")), "", ""}, true
}
