// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// The variables of an expression.
const (
	rootBody       = "body"
	rootHeaders    = "headers"
	rootPreprocess = "preprocess"
)

func isRoot(name string) bool {
	return name == rootBody || name == rootHeaders || name == rootPreprocess
}

var (
	pathPattern        = regexp.MustCompile(`^(body|headers|preprocess)(\.[A-Za-z0-9_$-]+)*$`)
	segmentPattern     = regexp.MustCompile(`^[A-Za-z0-9_$-]+$`)
	subtractionPattern = regexp.MustCompile(`-(body|headers|preprocess)$`)
)

// path is a dotted path: a root and the segments after it. Doorbell evaluates an expression that is only a path itself,
// directly on the bytes of the event. CEL would decode the value and encode it again, which is slower and changes
// numbers such as 1.0 and 9007199254740993. CEL would also reject segments such as order-id and in, which are ordinary
// JSON keys.
type path struct {
	root     string
	segments []string
}

func parsePath(text string) (path, bool) {
	if !pathPattern.MatchString(text) {
		return path{}, false
	}
	parts := strings.Split(text, ".")
	return path{root: parts[0], segments: parts[1:]}, true
}

// ParsePath returns the segments of a path below body, for fields that accept only a path. It reports whether text is
// such a path.
func ParsePath(text string) ([]string, bool) {
	p, ok := parsePath(text)
	return p.segments, ok && p.root == rootBody
}

// child returns the path to a member or an element of the value at p.
func (p path) child(segment string) path {
	return path{p.root, append(slices.Clip(p.segments), segment)}
}

// startsWith reports whether the value at p is inside the value at other, or is the same value.
func (p path) startsWith(other path) bool {
	return p.root == other.root && len(p.segments) >= len(other.segments) &&
		slices.Equal(p.segments[:len(other.segments)], other.segments)
}

// String returns the path as an author would write it.
func (p path) String() string {
	var b strings.Builder
	b.WriteString(p.root)
	for _, segment := range p.segments {
		if segmentPattern.MatchString(segment) {
			b.WriteString("." + segment)
		} else {
			b.WriteString("[" + displayName(segment) + "]")
		}
	}
	return b.String()
}

// warning names a segment that looks as if its author wanted to subtract. It returns "" if there is none.
func (p path) warning() string {
	for _, segment := range p.segments {
		if subtractionPattern.MatchString(segment) {
			return "this is a path with a segment named " + segment + "; to subtract, put spaces around the minus sign"
		}
	}
	return ""
}

// eval returns the value at the path as JSON. It reports false if the event has no such value.
func (p path) eval(in *Input) ([]byte, bool) {
	switch p.root {
	case rootBody:
		return in.lookup(in.body, p.segments)
	case rootHeaders:
		return p.header(in)
	default:
		return in.preprocessed(p.segments)
	}
}

func (p path) header(in *Input) ([]byte, bool) {
	switch len(p.segments) {
	case 0:
		return in.headerObject(), true
	case 1:
		value, ok := in.headers[p.segments[0]]
		if !ok {
			return nil, false
		}
		return rawjson.Quote(value), true
	default:
		return nil, false
	}
}

// pathOf returns the path that a CEL expression reads, such as body.properties.items.0 for body.?properties.items[0].
// It reports false if the expression contains anything except a root variable, constant field names and constant
// indexes.
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

// pathsIn returns the paths that a CEL expression reads. It omits a path that is the beginning of another one.
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
