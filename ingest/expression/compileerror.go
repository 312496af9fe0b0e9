// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/cel"
)

func compileError(text string, issues *cel.Issues) *Error {
	first := issues.Errors()[0]
	line, column := max(first.Location.Line(), 1), max(first.Location.Column(), 0)+1
	return &Error{Expression: text, Line: line, Column: column, Problem: plain(first.Message, isCalled(text, line, column))}
}

// plain replaces CEL's message about an unknown name. called reports whether the name is a function.
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

func isCalled(text string, line, column int) bool {
	characters := []rune(lineOf(text, line))
	return column <= len(characters) && characters[column-1] == '('
}

func unserving(text string, t *cel.Type, kind Kind) *Error {
	return &Error{Expression: text, Line: 1, Column: 1, Problem: fmt.Sprintf("this gives %s; %s", typeWord(t.TypeName()), needs[kind])}
}
