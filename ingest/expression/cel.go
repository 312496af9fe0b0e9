// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"
)

// maxIterations bounds the loop iterations of one evaluation, those of nested loops together. CEL's own cost limit is no
// help: its tracker becomes quadratic inside loops.
const maxIterations = 20_000

type program struct {
	text string
	cel  cel.Program
}

// over is a context that has ended. CEL looks at its context at every maxIterations-th iteration, and so stops at the
// first of those looks.
var over = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // nobody's: it only has to be over
	cancel()
	return ctx
}()

// environment is built once: it is immutable and costs a few milliseconds.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable(rootBody, cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable(rootHeaders, cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable(rootPreprocess, cel.MapType(cel.StringType, cel.DynType)),
		cel.CrossTypeNumericComparisons(true),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(4)),
		ext.Math(),
		ext.Lists(),
		ext.Encoders(),
		objectFunctions(),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
	)
})

var guards = sync.OnceValues(func() (*guardedCalls, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	return newGuardedCalls(env)
})

func compileCEL(text string, kind Kind) (*program, error) {
	env, err := environment()
	if err != nil {
		return nil, &CompileError{1, 1, "CEL environment: " + err.Error()}
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, compileError(text, issues)
	}
	if !serves(ast.OutputType(), kind) {
		return nil, &CompileError{1, 1, fmt.Sprintf("this gives %s; %s", typeName(ast.OutputType()), wants[kind])}
	}
	guard, err := guards()
	if err != nil {
		return nil, &CompileError{1, 1, "CEL functions: " + err.Error()}
	}
	p, err := env.Program(ast, cel.InterruptCheckFrequency(maxIterations), cel.CustomDecoratorV2(guard.decorate))
	if err != nil {
		return nil, &CompileError{1, 1, err.Error()}
	}
	return &program{text: text, cel: p}, nil
}

func compileError(text string, issues *cel.Issues) *CompileError {
	first := issues.Errors()[0]
	line, column := max(first.Location.Line(), 1), max(first.Location.Column(), 0)+1
	return &CompileError{line, column, plain(first.Message, isCalled(text, line, column))}
}

// plain says what CEL's message means for whoever wrote the expression; called tells whether an unknown name is a
// function's.
func plain(message string, called bool) string {
	reason := strings.TrimPrefix(message, "Syntax error: ")
	rest, unknown := strings.CutPrefix(reason, "undeclared reference to '")
	name, _, _ := strings.Cut(rest, "'")
	switch {
	case unknown && called:
		return fmt.Sprintf("unknown function %s", name)
	case unknown:
		return fmt.Sprintf("unknown name %s; an expression starts from body, headers or preprocess, and text stands in quotes", name)
	default:
		return reason
	}
}

// isCalled tells whether the parenthesis of a call stands at the place.
func isCalled(text string, line, column int) bool {
	lines := strings.Split(text, "\n")
	if line > len(lines) {
		return false
	}
	characters := []rune(lines[line-1])
	return column <= len(characters) && characters[column-1] == '('
}

var wants = map[Kind]string{
	Bool:   "a condition must give a boolean",
	ID:     "an id is a string or an integer",
	Text:   "this field is a string",
	Object: "this field is an object to start from",
	List:   "this field is an id, an object with an id, or a list of them",
}

// serves tells whether a value of this static type can be of the kind.
func serves(t *cel.Type, kind Kind) bool {
	if t.Kind() == types.OpaqueKind && t.TypeName() == "optional_type" {
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

func typeName(t *cel.Type) string { return strings.ReplaceAll(t.String(), "optional_type", "optional") }

func (p *program) eval(in *Input) ([]byte, error) {
	in.budget = budget{}
	value, _, err := p.cel.ContextEval(over, in)
	if err != nil {
		return nil, p.evalError(err)
	}
	return p.encode(value)
}

func (p *program) encode(value ref.Val) ([]byte, error) {
	e := encoder{}
	switch out, err := e.value(nil, value); {
	case err != nil:
		return nil, &EvalError{err.Error()}
	case out == nil:
		return nil, &MissingError{p.text}
	default:
		return out, nil
	}
}

func (p *program) evalError(err error) error {
	reason := err.Error()
	if key, ok := strings.CutPrefix(reason, "no such key: "); ok {
		return &MissingError{key}
	}
	if errors.Is(err, interpreter.InterruptError{}) {
		return &EvalError{fmt.Sprintf("the expression loops more than %d times on this event", maxIterations)}
	}
	return &EvalError{reason}
}
