// SPDX-License-Identifier: Apache-2.0

// Package expression compiles and evaluates the expressions of Sources and ActionMappings: dotted paths, as Knock's own
// mappings have them, and CEL for everything else, over body, headers and preprocess. Evaluation is pure and bounded: no
// expression and payload together can hold a worker.
package expression

import (
	"errors"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

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

// Kind is what an expression's value is used for. Compile refuses an expression whose type can never serve.
type Kind int

// The kinds of values that fields want.
const (
	Any    Kind = iota
	Bool        // a condition
	ID          // a string or an integer
	Text        // a string
	Object      // an object to start from
	List        // recipients or members: an ID, an object, or a list of them
)

// Compile parses and type-checks text. The error is a *CompileError.
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
		return x.program.eval(in)
	}
	value, ok, err := x.path.eval(in)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &MissingError{x.text}
	}
	return value, nil
}

// CompileError says what is wrong with an expression, and where.
type CompileError struct {
	Line, Column int // from 1
	Reason       string
}

func (e *CompileError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// MissingError is returned for an expression that finds nothing in this event.
type MissingError struct{ What string }

func (e *MissingError) Error() string { return e.What + " is not in the event" }

// EvalError is returned for an expression that fails on this event.
type EvalError struct{ Reason string }

func (e *EvalError) Error() string { return e.Reason }

// IsMissing tells whether an evaluation found nothing: no value, or null.
func IsMissing(value []byte, err error) bool {
	if _, ok := errors.AsType[*MissingError](err); ok {
		return true
	}
	return err == nil && rawjson.KindOf(value) == rawjson.Null
}
