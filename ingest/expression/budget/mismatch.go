// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"fmt"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/expression/mistake"
)

// MismatchError reports that a function or an operator does not accept the types of its arguments.
type MismatchError struct {
	// Function is CEL's name of the function, such as _+_.
	Function string
	// Types are the types of the arguments in words, such as "a string".
	Types []string
}

// Error implements error. The text is Explain with Function as the text of the call.
func (e *MismatchError) Error() string { return e.Explain(e.Function) }

// Explain returns the text of the call, source, and says which types it does not accept.
func (e *MismatchError) Explain(source string) string {
	if problem := mistake.Words(e.Function, e.Types); problem != "" {
		return fmt.Sprintf("%s: %s; convert one with string(), int() or double()", source, problem)
	}
	return fmt.Sprintf("%s: %s does not accept %s", source, e.Function, strings.Join(e.Types, " and "))
}
