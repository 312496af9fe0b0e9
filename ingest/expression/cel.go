// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
)

// environment returns the variables and functions that every expression can use. It is built once, since that takes a few
// milliseconds, and is immutable.
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
		cel.Lib(coalesceLibrary{}),
		cel.Lib(numberLibrary{}),
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
		return nil, unserving(env, text, ast.OutputType(), kind)
	}
	guard, err := guards()
	if err != nil {
		return nil, internalError(text, err)
	}
	p, err := env.Program(ast, cel.InterruptCheckFrequency(maxIterations), cel.CustomDecoratorV2(guard.decorate))
	if err != nil {
		return nil, internalError(text, err)
	}
	return &program{text: text, cel: p, ast: ast.NativeRep()}, nil
}

// internalError reports a failure that no change of the expression explains.
func internalError(text string, err error) *Error {
	return &Error{Expression: text, Line: 1, Column: 1, Problem: err.Error()}
}
