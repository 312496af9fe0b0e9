// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/doorbell-dev/doorbell/ingest/expression/mistake"
)

// maxMistakes bounds how many mistakes Doorbell corrects in one expression.
const maxMistakes = 10

// compileError explains the first mistake of an expression that CEL rejects. It corrects one mistake after the other until
// the expression compiles, so that the corrected line is right as a whole. If it cannot, it shows no corrected line.
func compileError(env *cel.Env, text string, kind Kind) *Error {
	first := mistake.Find(env, text, zeroes[kind])
	fixed := first.Fixed
	for range maxMistakes {
		if fixed == "" || accepts(env, fixed, kind) {
			break
		}
		if _, issues := env.Compile(fixed); issues.Err() == nil {
			fixed = "" // it compiles, but its type does not serve the field
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

// unserving explains that an expression is valid, but cannot give the value that its field needs.
func unserving(env *cel.Env, text string, t *cel.Type, kind Kind) *Error {
	if t.Kind() == types.TypeKind { // a word such as string or map, which is also a text that lost its quotes
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

// zeroes are texts of values that each kind of field accepts.
var zeroes = map[Kind]string{Any: "null", Bool: "false", ID: "''", Text: "''", Object: "{}", List: "[]"}
