// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"github.com/google/cel-go/common/ast"
)

// Headers is the set of headers that expressions read. Its zero value is the empty set.
type Headers struct {
	all   bool
	names map[string]struct{}
}

// Include reports whether an expression reads the header with a lower-case name.
func (h *Headers) Include(name string) bool {
	_, named := h.names[name]
	return h.all || named
}

// Empty reports whether no expression reads a header.
func (h *Headers) Empty() bool { return !h.all && len(h.names) == 0 }

// Add adds the headers that an expression reads. If the expression does not name them, as in headers[body.x], Add adds
// all headers.
func (h *Headers) Add(x *Expression) {
	switch {
	case x == nil:
	case x.program != nil:
		h.addCEL(x.program.ast.Expr())
	case x.path.root == rootHeaders:
		h.addPath(x.path)
	}
}

func (h *Headers) addPath(p path) {
	if len(p.segments) == 0 {
		h.all = true
		return
	}
	if h.names == nil {
		h.names = map[string]struct{}{}
	}
	h.names[p.segments[0]] = struct{}{}
}

// addCEL adds the headers of every headers.name and headers["name"] in a CEL expression. If the variable occurs
// anywhere else, addCEL adds all headers.
func (h *Headers) addCEL(expr ast.Expr) {
	variables, named := 0, 0
	ast.PreOrderVisit(expr, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.IdentKind && e.AsIdent() == rootHeaders {
			variables++
		}
		if p, ok := headerPath(e); ok {
			named++
			h.addPath(p)
		}
	}))
	h.all = h.all || variables > named
}

// headerPath returns the path of an expression that reads exactly one header, or tests with has() whether the header
// exists.
func headerPath(e ast.Expr) (path, bool) {
	if e.Kind() == ast.SelectKind && e.AsSelect().IsTestOnly() {
		operand := e.AsSelect().Operand()
		p := path{rootHeaders, []string{e.AsSelect().FieldName()}}
		return p, operand.Kind() == ast.IdentKind && operand.AsIdent() == rootHeaders
	}
	p, ok := pathOf(e)
	return p, ok && p.root == rootHeaders && len(p.segments) == 1
}
