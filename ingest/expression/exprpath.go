// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"slices"
	"strconv"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// pathOf returns the path that a CEL expression reads, such as body.properties.items.0 for body.?properties.items[0]. It
// reports false for everything that is more than a root and constant names and indexes.
func pathOf(expr ast.Expr) (path, bool) {
	switch expr.Kind() {
	case ast.IdentKind:
		name := expr.AsIdent()
		return path{root: name}, isRoot(name)
	case ast.SelectKind:
		selection := expr.AsSelect()
		parent, ok := pathOf(selection.Operand())
		return parent.child(selection.FieldName()), ok && !selection.IsTestOnly()
	case ast.CallKind:
		return pathOfIndex(expr.AsCall())
	default:
		return path{}, false
	}
}

func pathOfIndex(call ast.CallExpr) (path, bool) {
	switch call.FunctionName() {
	case operators.Index, operators.OptIndex, operators.OptSelect:
	default:
		return path{}, false
	}
	parent, ok := pathOf(call.Args()[0])
	if !ok || call.Args()[1].Kind() != ast.LiteralKind {
		return path{}, false
	}
	switch key := call.Args()[1].AsLiteral().(type) {
	case types.String:
		return parent.child(string(key)), true
	case types.Int:
		return parent.child(strconv.FormatInt(int64(key), 10)), true
	default:
		return path{}, false
	}
}

// pathsIn returns the paths that a CEL expression reads, the longest of each kind only.
func pathsIn(expr ast.Expr) []path {
	var found []path
	ast.PreOrderVisit(expr, ast.NewExprVisitor(func(e ast.Expr) {
		p, ok := pathOf(e)
		if ok && !slices.ContainsFunc(found, func(longer path) bool { return longer.startsWith(p) }) {
			found = append(found, p)
		}
	}))
	return found
}
