// SPDX-License-Identifier: Apache-2.0

// Package expression compiles and evaluates the expressions of Sources and ActionMappings. An expression is a dotted
// path, as in Knock's own mappings, or CEL, and reads the variables body, headers and preprocess. Package mapping calls
// it for every event. An evaluation must never do I/O, and never occupy a worker for long, however hostile the
// expression and the event are.
//
// An optional is CEL's word for a value that may be absent. If the event has no x, body.x fails, and body.?x is an
// optional without a value. If the result of an expression is an optional, Eval unwraps it: an optional without a value
// means that the value is missing.
package expression

import (
	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// Expression is a compiled expression. It is safe for concurrent use.
type Expression struct {
	text    string
	path    path
	program *program // nil for a path
	native  native   // nil if only CEL can evaluate the program
	// Warning says why the expression may not be what its author meant. It is "" for most expressions.
	Warning string
}

// String returns the expression as its author wrote it.
func (x *Expression) String() string { return x.text }

// Kind is the kind of value that a field needs. Compile rejects an expression that can never return such a value.
type Kind int

// The kinds of values that fields need.
const (
	Any    Kind = iota
	Bool        // a condition
	ID          // a string or an integer
	Text        // a string
	Object      // an object whose fields are sent, such as dataFrom
	List        // recipients or members: an ID, an object, or a list of them
)

// needs describes the value that each kind of field needs.
var needs = map[Kind]string{
	Any:    "this field needs a value that JSON can represent",
	Bool:   "a condition needs a boolean",
	ID:     "an id is a string or an integer",
	Text:   "this field needs a string",
	Object: "this field needs an object",
	List:   "this field needs an id, an object with an id, or a list of them",
}

// Compile parses and type-checks an expression whose value a field uses as kind. The error is an *Error.
func Compile(text string, kind Kind) (*Expression, error) {
	if p, ok := parsePath(text); ok {
		return &Expression{text: text, path: p, Warning: p.warning()}, nil
	}
	program, err := compileCEL(text, kind)
	if err != nil {
		return nil, err
	}
	return &Expression{text: text, program: program, native: compileNative(text, program.ast.Expr())}, nil
}

// Eval returns the value as JSON. The value of a path, and an object or a list that CEL returns unchanged, keep the
// bytes that Doorbell received. The error is a *MissingError if the event lacks the value, and otherwise an *EvalError.
func (x *Expression) Eval(in *Input) ([]byte, error) {
	if x.native != nil {
		if value, err, ok := x.evalNative(in); ok {
			return value, err
		}
	}
	if x.program != nil {
		return x.evalCEL(in)
	}
	value, ok := x.path.eval(in)
	if !ok {
		return nil, missing(x, in, 0, "")
	}
	return value, nil
}

// optionalType is CEL's name for the type of an optional: a value that may be absent, as body.?x gives it.
const optionalType = "optional_type"

// serves reports whether a value of this static type can be of the kind. For an optional, serves checks the type of the
// value inside, because Eval unwraps it. Most values have the type dyn: their type depends on the event.
func serves(t *cel.Type, kind Kind) bool {
	if t.Kind() == types.OpaqueKind && t.TypeName() == optionalType {
		return serves(t.Parameters()[0], kind)
	}
	switch t.Kind() {
	case types.DynKind, types.AnyKind, types.NullTypeKind:
		return kind != Bool || t.Kind() != types.NullTypeKind
	case types.BoolKind:
		return kind == Any || kind == Bool
	case types.StringKind:
		return kind == Any || kind == ID || kind == Text || kind == List
	case types.IntKind, types.UintKind:
		return kind == Any || kind == ID || kind == List
	case types.MapKind:
		return kind == Any || kind == Object || kind == List
	case types.ListKind:
		return kind == Any || kind == List
	case types.TypeKind:
		return false
	case types.TimestampKind:
		return kind == Any || kind == Text
	default:
		return kind == Any
	}
}
