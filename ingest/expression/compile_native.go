// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"slices"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// form says whether a native expression returns a plain value or an optional. An operator that treats an optional
// differently from the value inside must know the form of its operands.
type form int

const (
	plain    form = iota // a value
	optional             // an optional
	either               // a value or an optional, depending on the event
)

// maxNativeText is the length of the longest expression that has a native form, in bytes. Together with maxNative, it
// keeps the work of an evaluation far below the bounds of package budget.
const maxNativeText = 2000

// compileNative returns the native form of a CEL expression that has been checked. It returns nil if only CEL can
// evaluate the expression.
func compileNative(text string, expr ast.Expr) native {
	n, _ := toNative(expr)
	if _, unknown := n.(fallback); unknown || len(text) > maxNativeText {
		return nil
	}
	return n
}

// toNative returns the native form of an expression. It returns a fallback if the expression has no native form.
func toNative(expr ast.Expr) (native, form) {
	switch expr.Kind() {
	case ast.IdentKind:
		if expr.AsIdent() == rootBody {
			return root{path: path{root: rootBody}}, plain
		}
	case ast.LiteralKind:
		return literal(expr)
	case ast.MapKind:
		if expr.AsMap().Size() == 0 {
			return constant{[]byte("{}")}, plain
		}
	case ast.SelectKind:
		selection := expr.AsSelect()
		if selection.IsTestOnly() {
			return hasMember(selection)
		}
		return readMember(selection.Operand(), selection.FieldName(), false)
	case ast.CallKind:
		return callToNative(expr.AsCall())
	default:
	}
	return fallback{}, plain
}

func literal(expr ast.Expr) (native, form) {
	switch value := expr.AsLiteral().(type) {
	case types.String:
		return constant{rawjson.Quote(string(value))}, plain
	case types.Bool:
		return constant{strconv.AppendBool(nil, bool(value))}, plain
	case types.Null:
		return constant{[]byte("null")}, plain
	case types.Int:
		if digits := strconv.AppendInt(nil, int64(value), 10); len(digits) <= maxDigits {
			return constant{digits}, plain
		}
	}
	return fallback{}, plain
}

// readMember returns the native form of object.name, or of object.?name.
func readMember(object ast.Expr, name string, opt bool) (native, form) {
	result := plain
	if opt {
		result = optional
	}
	if variable := object.AsIdent(); object.Kind() == ast.IdentKind && (variable == rootHeaders || variable == rootPreprocess) {
		return root{path{variable, []string{name}}, opt}, result
	}
	operand, form := toNative(object)
	if isFallback(operand) || form == either || form == optional && !opt {
		return fallback{}, plain
	}
	return memberOf{operand, name, opt}, result
}

func hasMember(selection ast.SelectExpr) (native, form) {
	member, _ := readMember(selection.Operand(), selection.FieldName(), true)
	if m, ok := member.(memberOf); ok {
		if _, form := toNative(selection.Operand()); form != plain || isFallback(m.object) {
			return fallback{}, plain
		}
	}
	return unlessFallback(has{member}, member), plain
}

func isFallback(n native) bool {
	_, ok := n.(fallback)
	return ok
}

// unlessFallback returns n if none of the operands is a fallback, and a fallback otherwise.
func unlessFallback(n native, operands ...native) native {
	if slices.ContainsFunc(operands, isFallback) {
		return fallback{}
	}
	return n
}

// values returns the native forms of expressions that must be plain values. It returns false if one of them is not.
func values(exprs ...ast.Expr) ([]native, bool) {
	out := make([]native, len(exprs))
	for i, expr := range exprs {
		n, form := toNative(expr)
		if out[i] = n; form != plain || isFallback(n) {
			return nil, false
		}
	}
	return out, true
}

// callToNative returns the native form of an operator or a function.
func callToNative(call ast.CallExpr) (native, form) {
	args := call.Args()
	switch name := call.FunctionName(); {
	case name == "coalesce":
		return coalesceToNative(args)
	case name == "orValue" && len(args) == 1:
		return orValueToNative(call.Target(), args[0])
	case name == "optional.none":
		return noValue{}, optional
	case name == operators.Conditional:
		return conditionalToNative(args)
	case len(args) == 2:
		return binaryToNative(name, args[0], args[1]), formOf(name)
	case len(args) == 1 && (name == operators.LogicalNot || name == "string"):
		operand, ok := values(args[0])
		switch {
		case !ok:
			return fallback{}, plain
		case name == "string":
			return text{operand[0]}, plain
		default:
			return not{operand[0]}, plain
		}
	default:
		return fallback{}, plain
	}
}

// formOf returns the form of the result of an operator with two operands.
func formOf(operator string) form {
	if operator == operators.OptSelect || operator == operators.OptIndex {
		return optional
	}
	return plain
}

func coalesceToNative(args []ast.Expr) (native, form) {
	c := coalesced{make([]native, len(args))}
	for i, arg := range args {
		c.arguments[i], _ = toNative(arg) // coalesce unwraps optionals
	}
	return unlessFallback(c, c.arguments[0]), plain
}

func orValueToNative(target, other ast.Expr) (native, form) {
	value, form := toNative(target)
	replacement, ok := values(other)
	if form != optional || !ok {
		return fallback{}, plain
	}
	return unlessFallback(orValue{value, replacement[0]}, value), plain
}

func conditionalToNative(args []ast.Expr) (native, form) {
	condition, ok := values(args[0])
	if !ok {
		return fallback{}, plain
	}
	yes, formYes := toNative(args[1])
	no, formNo := toNative(args[2])
	result := either
	switch {
	case isFallback(yes) && isFallback(no):
		return fallback{}, plain
	case formYes == formNo, isFallback(no):
		result = formYes
	case isFallback(yes):
		result = formNo
	}
	return conditional{condition[0], yes, no}, result
}

// binaryToNative returns the native form of an operator or a function with two operands.
func binaryToNative(name string, left, right ast.Expr) native {
	switch name {
	case operators.Index, operators.OptIndex, operators.OptSelect:
		key, ok := right.AsLiteral().(types.String)
		if right.Kind() != ast.LiteralKind || !ok {
			return fallback{}
		}
		n, _ := readMember(left, string(key), name != operators.Index)
		return n
	case "merge":
		base, _ := toNative(left) // merge and omit unwrap optionals
		over, _ := toNative(right)
		return unlessFallback(merged{base, over}, base, over)
	case "omit":
		object, _ := toNative(left)
		names, ok := literalTexts(right)
		if !ok {
			return fallback{}
		}
		return unlessFallback(omitted{object, names}, object)
	case operators.LogicalAnd, operators.LogicalOr:
		return logicToNative(name, left, right)
	case operators.Equals:
		return equalToNative(left, right)
	case operators.NotEquals:
		equal := equalToNative(left, right)
		return unlessFallback(not{equal}, equal)
	case operators.In, operators.Add:
		return membershipOrSum(name, left, right)
	default:
		return fallback{}
	}
}

func logicToNative(name string, left, right ast.Expr) native {
	operands, ok := values(left)
	if !ok {
		return fallback{}
	}
	decides := "false"
	if name == operators.LogicalOr {
		decides = "true"
	}
	other, form := toNative(right)
	if form != plain {
		return fallback{}
	}
	return logic{operands[0], other, decides}
}

// kinds maps the name of a CEL type to the kind of the JSON values that have this type. The type double is missing,
// because native expressions do not read numbers with a fraction.
var kinds = map[string]rawjson.Kind{
	"string": rawjson.String, "int": rawjson.Number, "bool": rawjson.Bool, "null_type": rawjson.Null, "map": rawjson.Object, "list": rawjson.Array,
}

func equalToNative(left, right ast.Expr) native {
	if left.Kind() == ast.CallKind && left.AsCall().FunctionName() == "type" && right.Kind() == ast.IdentKind {
		operand, ok := values(left.AsCall().Args()...)
		kind, known := kinds[right.AsIdent()]
		if !ok || !known {
			return fallback{}
		}
		return ofKind{operand[0], kind}
	}
	operands, ok := values(left, right)
	if !ok {
		return fallback{}
	}
	return oneOf{operands[0], operands[1:]}
}

func membershipOrSum(name string, left, right ast.Expr) native {
	if name == operators.Add {
		if operands, ok := values(left, right); ok {
			return joined{operands[0], operands[1]}
		}
		return fallback{}
	}
	if right.Kind() != ast.ListKind || len(right.AsList().OptionalIndices()) > 0 {
		return fallback{}
	}
	operand, ok := values(left)
	list, okList := values(right.AsList().Elements()...)
	if !ok || !okList {
		return fallback{}
	}
	return oneOf{operand[0], list}
}

// literalTexts returns the elements of a list of string literals.
func literalTexts(expr ast.Expr) ([]string, bool) {
	if expr.Kind() != ast.ListKind || len(expr.AsList().OptionalIndices()) > 0 {
		return nil, false
	}
	var texts []string
	for _, element := range expr.AsList().Elements() {
		value, ok := element.AsLiteral().(types.String)
		if element.Kind() != ast.LiteralKind || !ok {
			return nil, false
		}
		texts = append(texts, string(value))
	}
	return texts, true
}
