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

// CEL names the node and the place of a type error, but gives the kind of the error only in its message.
const (
	undeclared = "undeclared reference to "
	noOverload = "found no matching overload for "
)

// isConsequence reports whether a type error only follows from another one, whose node then has no type.
func isConsequence(message string) bool { return strings.Contains(message, "!error!") }

// find returns a node of the syntax tree, or nil.
func (f *finder) find(id int64) (found ast.Expr) {
	if f.parsed == nil || id == 0 {
		return nil
	}
	ast.PreOrderVisit(f.parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.ID() == id {
			found = e
		}
	}))
	return found
}

// call returns the call that CEL found no overload for.
func (f *finder) call() (ast.CallExpr, bool) {
	expr := f.find(f.problem.ExprID)
	if expr == nil || expr.Kind() != ast.CallKind || !strings.HasPrefix(f.problem.Message, noOverload) {
		return nil, false
	}
	return expr.AsCall(), true
}

// typeOf returns the type of a part of the expression. A failed check keeps no types, so that typeOf checks the part on
// its own. Variables of the loops around it have the type dyn.
func (f *finder) typeOf(expr ast.Expr) *cel.Type {
	text, err := cel.ExprToString(expr, f.parsed.SourceInfo())
	if err != nil {
		return cel.DynType
	}
	env, err := f.env.Extend(f.variables()...)
	if err != nil {
		return cel.DynType
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return cel.DynType
	}
	return checked.OutputType()
}

func (f *finder) variables() []cel.EnvOption {
	var options []cel.EnvOption
	seen := []string{}
	ast.PreOrderVisit(f.parsed.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.IdentKind {
			return
		}
		name := e.AsIdent()
		if !slices.Contains(seen, name) && !slices.Contains(roots, name) && !f.isType(name) && !strings.HasPrefix(name, "@") {
			seen = append(seen, name)
			options = append(options, cel.Variable(name, cel.DynType))
		}
	}))
	return options
}

func (f *finder) isType(name string) bool {
	_, ok := f.env.CELTypeProvider().FindIdent(name)
	return ok
}

const optionalType = "optional_type"

func isOptional(t *cel.Type) bool {
	return t.Kind() == types.OpaqueKind && t.TypeName() == optionalType
}

// zeroOf returns the text of a value of a type, for orValue.
func zeroOf(t *cel.Type) string {
	switch t.Kind() {
	case types.IntKind, types.UintKind, types.DoubleKind:
		return "0"
	case types.BoolKind:
		return "false"
	case types.ListKind:
		return "[]"
	case types.MapKind:
		return "{}"
	default:
		return "''"
	}
}

// optionalOperand finds body.?a == 1: an optional is never equal to a value.
func optionalOperand(f *finder) (Mistake, bool) {
	call, ok := f.call()
	if !ok || len(call.Args()) != 2 || call.IsMemberFunction() {
		return Mistake{}, false
	}
	left, right := f.typeOf(call.Args()[0]), f.typeOf(call.Args()[1])
	operator := f.at(f.offset)
	if !f.token(operator).is("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%") {
		return Mistake{}, false
	}
	from, to, other := f.operandBefore(operator), operator, right
	if !isOptional(left) {
		from, to, other = operator+1, f.operandAfter(operator), left
	}
	if !isOptional(left) && !isOptional(right) {
		return Mistake{}, false
	}
	return f.orValue(from, to, zeroOf(other), Words(call.FunctionName(), []string{TypeWord(left), TypeWord(right)})), true
}

// orValue adds the value of a missing optional to the operand between two tokens.
func (f *finder) orValue(from, to int, zero, problem string) Mistake {
	operand := f.slice(f.token(from).from, f.token(to-1).to)
	suffix := ".orValue(" + zero + ")"
	return Mistake{
		f.token(from).from, fmt.Sprintf("%s: %s may have no value", problem, shorten(operand)),
		"choose the value of a missing field with orValue", f.replace(f.token(to-1).to, f.token(to-1).to, suffix),
	}
}

// operands finds an operator between values of types that do not fit, as in headers.age > 5.
func operands(f *finder) (Mistake, bool) {
	call, ok := f.call()
	if !ok || len(call.Args()) != 2 || call.IsMemberFunction() {
		return Mistake{}, false
	}
	left, right := f.typeOf(call.Args()[0]), f.typeOf(call.Args()[1])
	problem := Words(call.FunctionName(), []string{TypeWord(left), TypeWord(right)})
	if problem == "" {
		return Mistake{}, false
	}
	m := Mistake{Offset: f.offset, Problem: problem}
	operator := f.at(f.offset)
	before, after := f.operandBefore(operator), f.operandAfter(operator)
	leftSpan, rightSpan := span{f.token(before).from, f.token(operator - 1).to}, span{f.token(operator + 1).from, f.token(after - 1).to}
	switch {
	case left.Kind() == types.StringKind && isNumeric(right):
		m.Advice, m.Fixed = f.textAndNumber(call.FunctionName(), leftSpan, rightSpan)
	case right.Kind() == types.StringKind && isNumeric(left):
		m.Advice, m.Fixed = f.textAndNumber(call.FunctionName(), rightSpan, leftSpan)
	case isNumeric(left) && isNumeric(right) && left.Kind() == types.DoubleKind:
		m.Advice, m.Fixed = "convert the integer with double()", f.wrap(rightSpan, "double(", ")")
	case isNumeric(left) && isNumeric(right):
		m.Advice, m.Fixed = "convert the integer with double()", f.wrap(leftSpan, "double(", ")")
	case call.FunctionName() == operators.In && right.Kind() == types.StringKind:
		m.Advice = "write contains"
		m.Fixed = f.replace(leftSpan.from, rightSpan.to, f.slice(rightSpan.from, rightSpan.to)+".contains("+f.slice(leftSpan.from, leftSpan.to)+")")
	case call.FunctionName() == operators.Add && left.Kind() == types.ListKind:
		m.Advice, m.Fixed = "to append an element, put it into a list", f.wrap(rightSpan, "[", "]")
	case call.FunctionName() == operators.Add && right.Kind() == types.ListKind:
		m.Advice, m.Fixed = "to insert an element, put it into a list", f.wrap(leftSpan, "[", "]")
	case call.FunctionName() == operators.Add && left.Kind() == types.StringKind && right.Kind() == types.BoolKind:
		m.Advice, m.Fixed = "convert it with string()", f.wrap(rightSpan, "string(", ")")
	}
	return m, true
}

// span is a part of the text, from one offset to another.
type span struct{ from, to int }

func (f *finder) wrap(s span, before, after string) string {
	return f.replace(s.from, s.to, before+f.slice(s.from, s.to)+after)
}

func isNumeric(t *cel.Type) bool {
	return t.Kind() == types.IntKind || t.Kind() == types.DoubleKind || t.Kind() == types.UintKind
}

var numberPattern = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// textAndNumber corrects an operator between a text and a number.
func (f *finder) textAndNumber(function string, text, number span) (advice, fixed string) {
	literal := strings.Trim(f.slice(text.from, text.to), `'"`)
	isEquality := function == operators.Equals || function == operators.NotEquals
	switch {
	case function == operators.Add:
		return "convert the number with string()", f.wrap(number, "string(", ")")
	case numberPattern.MatchString(literal):
		return "remove the quotes", f.replace(text.from, text.to, literal)
	case isEquality && numberPattern.MatchString(f.slice(number.from, number.to)):
		return "put the number in quotes", f.wrap(number, "'", "'")
	default:
		return "convert the text with double()", f.wrap(text, "double(", ")")
	}
}

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

// callStyle finds lowerAscii(x) for x.lowerAscii(), and x.string() for string(x).
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

// condition finds a value that is not a boolean beside && or ||, or behind !.
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
		m.Problem, m.Advice = fmt.Sprintf("%q is not a timestamp", text), "write it as in timestamp('2026-01-15T09:30:00Z')"
	case "duration":
		m.Problem, m.Advice = fmt.Sprintf("%q is not a duration", text), "write it as in duration('1h30m')"
	default:
		return Mistake{}, false
	}
	return m, true
}

// arguments is the message for every other call with arguments of types that do not fit.
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
