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
	"github.com/google/cel-go/common/types/ref"
)

// CEL names the node and the place of a type error, but gives the kind of the error only in its message.
const (
	undeclared = "undeclared reference to "
	noOverload = "found no matching overload for "
)

// isConsequence reports whether a type error is only a consequence of another one. CEL writes !error! for the type of a
// node that has an error.
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

// typeOf returns the type of a part of the expression. After a failed check, CEL returns no types, so typeOf checks the
// part alone. In this check, the variables of the surrounding loops have the type dyn.
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

// typeWords are the words for the types of CEL. An optional is a value that may be absent, as body.?x gives it.
var typeWords = map[string]string{
	"string": "a string", "int": "an integer", "uint": "an unsigned integer", "double": "a decimal number", "bool": "a boolean",
	"list": "a list", "map": "an object", "null_type": "null", "bytes": "bytes", "type": "a type", "dyn": "a value of the event",
	"google.protobuf.Timestamp": "a timestamp", "google.protobuf.Duration": "a duration", optionalType: "an optional",
}

// TypeWord returns the word for a type with its article, such as "a string".
func TypeWord(t ref.Type) string {
	if word, ok := typeWords[t.TypeName()]; ok {
		return word
	}
	return t.TypeName()
}

// Words returns a message that says that an operator cannot combine two values. words are the types of the values, from
// TypeWord. Words returns "" for a function that is not an operator with two values.
func Words(function string, words []string) string {
	if len(words) != 2 {
		return ""
	}
	left, right := words[0], words[1]
	switch function {
	case operators.Add:
		return fmt.Sprintf("cannot add %s and %s", left, right)
	case operators.Subtract:
		return fmt.Sprintf("cannot subtract %s from %s", right, left)
	case operators.Multiply:
		return fmt.Sprintf("cannot multiply %s by %s", left, right)
	case operators.Divide, operators.Modulo:
		return fmt.Sprintf("cannot divide %s by %s", left, right)
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return fmt.Sprintf("cannot compare %s with %s", left, right)
	case operators.In:
		return fmt.Sprintf(`"in" needs a list or an object after it, not %s`, right)
	default:
		return ""
	}
}
