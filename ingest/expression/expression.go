// SPDX-License-Identifier: Apache-2.0

// Package expression compiles and evaluates the expressions of Sources and ActionMappings: dotted paths, as Knock's own
// mappings have them, and CEL for everything else, over body, headers and preprocess. Evaluation is pure and bounded: no
// expression and payload together can hold a worker.
package expression

// Expression is a compiled expression. It is safe for concurrent use.
type Expression struct {
	text    string
	path    path
	program *program // nil for a path
	// Warning says what the author may not have meant; empty when all is well.
	Warning string
}

// String returns the expression as it was written.
func (x *Expression) String() string { return x.text }

// Compile parses and type-checks text. The error is a *Error.
func Compile(text string, kind Kind) (*Expression, error) {
	if p, ok := parsePath(text); ok {
		return &Expression{text: text, path: p, Warning: p.warning()}, nil
	}
	program, err := compileCEL(text, kind)
	if err != nil {
		return nil, err
	}
	return &Expression{text: text, program: program}, nil
}

// Eval returns the value as JSON. A path's value, and an object or list that CEL passes on unchanged, keep the bytes as
// received. The error is a *MissingError when the expression finds nothing, else an *EvalError.
func (x *Expression) Eval(in *Input) ([]byte, error) {
	if x.program != nil {
		return x.evalCEL(in)
	}
	value, ok := x.path.eval(in)
	if !ok {
		return nil, missing(x, in, 0, "")
	}
	return value, nil
}
