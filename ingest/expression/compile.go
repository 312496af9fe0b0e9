// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	"github.com/google/cel-go/interpreter"

	"github.com/doorbell-dev/doorbell/ingest/expression/budget"
	"github.com/doorbell-dev/doorbell/ingest/expression/library"
	"github.com/doorbell-dev/doorbell/ingest/expression/mistake"
)

// environment returns the variables and functions that every expression can use. It is built once, since that takes a
// few milliseconds, and is immutable.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable(rootBody, cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable(rootHeaders, cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable(rootPreprocess, cel.MapType(cel.StringType, cel.DynType)),
		cel.CrossTypeNumericComparisons(true),
		cel.EnableMacroCallTracking(), // lets an error show a part of the expression as it was written
		cel.OptionalTypes(),
		ext.Strings(ext.StringsVersion(4)),
		ext.Math(),
		ext.Lists(),
		ext.Encoders(),
		cel.Lib(objectLibrary{}),
		cel.Lib(library.Coalesce{}),
		cel.Lib(library.Numbers{}),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
	)
})

// guards returns the Guard of the environment, built once.
var guards = sync.OnceValues(func() (*budget.Guard, error) {
	env, err := environment()
	if err != nil {
		return nil, err
	}
	return budget.NewGuard(env)
})

// compileCEL parses and type-checks text and plans its evaluation. The error is an *Error.
func compileCEL(text string, kind Kind) (*program, error) {
	env, err := environment()
	if err != nil {
		return nil, internalError(text, err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, compileError(env, text, kind)
	}
	if !serves(ast.OutputType(), kind) {
		return nil, wrongKind(env, text, ast.OutputType(), kind)
	}
	root, err := plan(env, ast)
	if err != nil {
		return nil, internalError(text, err)
	}
	return &program{text: text, root: root, ast: ast.NativeRep()}, nil
}

// plan plans the evaluation of a checked expression, and returns the root of the plan. A cel.Program also refers to a
// table of all functions, which takes 13 KB for each program and which an evaluation does not read. CEL passes each node
// of a plan to the decorators, the root last, so that plan can keep the root and drop the cel.Program.
func plan(env *cel.Env, ast *cel.Ast) (root interpreter.InterpretableV2, err error) {
	guard, err := guards()
	if err != nil {
		return nil, err
	}
	keep := func(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		root = node
		return node, nil
	}
	_, err = env.Program(ast, cel.InterruptCheckFrequency(maxIterations), cel.CustomDecoratorV2(library.Coalesce{}.Decorate),
		cel.CustomDecoratorV2(guard.Decorate), cel.CustomDecoratorV2(keep))
	if err == nil && (root == nil || root.ID() != ast.NativeRep().Expr().ID()) {
		err = errors.New("CEL has planned the expression in an unexpected order")
	}
	return root, err
}

// internalError reports a failure that the text of the expression does not cause.
func internalError(text string, err error) *Error {
	return &Error{Expression: text, Line: 1, Column: 1, Problem: err.Error()}
}

// maxMistakes bounds how many mistakes Doorbell corrects in one expression.
const maxMistakes = 10

// compileError explains the first mistake of an expression that CEL rejects. It corrects one mistake after the other
// until the expression compiles, so that the corrected line is right as a whole. If it cannot, it shows no corrected
// line.
func compileError(env *cel.Env, text string, kind Kind) *Error {
	first := mistake.Find(env, text, zeroes[kind])
	fixed := first.Fixed
	for range maxMistakes {
		if fixed == "" || accepts(env, fixed, kind) {
			break
		}
		if _, issues := env.Compile(fixed); issues.Err() == nil {
			fixed = "" // it compiles, but the field does not accept its type
			break
		}
		fixed = mistake.Find(env, fixed, zeroes[kind]).Fixed
	}
	if fixed != "" && !accepts(env, fixed, kind) {
		fixed = ""
	}
	return newError(text, first, fixed)
}

// accepts reports whether an expression compiles for the kind.
func accepts(env *cel.Env, text string, kind Kind) bool {
	if _, ok := parsePath(text); ok {
		return true
	}
	ast, issues := env.Compile(text)
	return issues.Err() == nil && serves(ast.OutputType(), kind)
}

func newError(text string, m mistake.Mistake, fixed string) *Error {
	before := string([]rune(text)[:m.Offset])
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
	advice := m.Advice
	if fixed == "" {
		advice = strings.TrimSuffix(advice, mistake.Result)
	}
	return &Error{Expression: text, Line: line, Column: column, Problem: m.Problem, Advice: advice, Fix: fixed}
}

// wrongKind explains that an expression is valid, but its field does not accept the type of its value.
func wrongKind(env *cel.Env, text string, t *cel.Type, kind Kind) *Error {
	if t.Kind() == types.TypeKind { // the name of a type, such as string; the author probably meant a text and forgot the quotes
		m := mistake.Unquoted(text)
		if !accepts(env, m.Fixed, kind) {
			m.Fixed = ""
		}
		return newError(text, m, m.Fixed)
	}
	m := mistake.Mistake{Problem: fmt.Sprintf("this gives %s; %s", mistake.TypeWord(t), needs[kind])}
	converted := "string(" + text + ")"
	if kind == Text && accepts(env, converted, kind) {
		m.Advice = "convert it with string()"
		return newError(text, m, converted)
	}
	return newError(text, m, "")
}

// zeroes maps each kind to the text of a value that a field of this kind accepts.
var zeroes = map[Kind]string{Any: "null", Bool: "false", ID: "''", Text: "''", Object: "{}", List: "[]"}
