// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/expression/mistake"
)

// mismatchError reports that a function or an operator does not accept the types of its arguments.
type mismatchError struct {
	function string
	types    []string // in words, such as "a string"
}

func (e *mismatchError) Error() string { return e.explain(e.function) }

// explain says which types do not fit together. source is the text of the call.
func (e *mismatchError) explain(source string) string {
	if problem := mistake.Words(e.function, e.types); problem != "" {
		return fmt.Sprintf("%s: %s; convert one with string(), int() or double()", source, problem)
	}
	return fmt.Sprintf("%s: %s does not accept %s", source, e.function, strings.Join(e.types, " and "))
}
