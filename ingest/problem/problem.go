// SPDX-License-Identifier: Apache-2.0

// Package problem describes a mistake in a Source or an ActionMapping. The compilers create problems, and the operator
// and the command line show them, in one type from end to end. The package must never import another package of this
// module, so that every package can use it.
package problem

import "fmt"

// Problem is a mistake in a Source or in an ActionMapping. Problems are comparable with ==.
type Problem struct {
	// Position is the place in a file. It is the zero value if the resource was not read from a file.
	Position
	// Mapping is the name of the mapping with the mistake, or "" if the mistake is in the Source itself.
	Mapping string
	// Default reports that the mapping is a default mapping, which is part of the template.
	Default bool
	// Field is the path of the field from the root of the resource, such as spec.triggerWorkflow.recipients. It is "" if
	// the problem concerns the file as a whole.
	Field string
	// Message says what is wrong and how to fix it.
	Message string
	// Detail is the mistake on several lines, for a terminal: what is wrong, the expression with a caret under the mistake, and
	// the corrected expression. It is "" unless the mistake is in an expression.
	Detail string
	// Warning marks a problem that does not stop Doorbell from using the resource, but that is probably a mistake.
	Warning bool
	// DuplicateOf is the name of an older mapping that does exactly the same. It is "" for every other problem.
	DuplicateOf string
}

// Position is a place in a file. Line and Column count from 1, and are 0 if they are unknown.
type Position struct {
	File   string
	Line   int
	Column int
}

// Error returns "FILE:LINE: FIELD: MESSAGE", without the parts that are unknown. The caller adds the name of the mapping
// and the word "warning" where the context does not give them.
func (p Problem) Error() string {
	text := p.Message
	if p.Field != "" {
		text = p.Field + ": " + text
	}
	switch {
	case p.File == "":
		return text
	case p.Line == 0:
		return p.File + ": " + text
	default:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, text)
	}
}
