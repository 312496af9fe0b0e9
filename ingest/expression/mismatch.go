// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/common/operators"
)

// mismatchError reports that a function or an operator does not accept the types of its arguments.
type mismatchError struct {
	function string
	types    []string // in words, such as "a string"
}

func (e *mismatchError) Error() string { return e.explain(e.function) }

// explain says which types do not fit together. source is the text of the call.
func (e *mismatchError) explain(source string) string {
	if problem := cannotCombine(e.function, e.types); problem != "" {
		return fmt.Sprintf("%s: %s; convert one with string(), int() or double()", source, problem)
	}
	return fmt.Sprintf("%s: %s does not accept %s", source, e.function, strings.Join(e.types, " and "))
}

// cannotCombine says that an operator with two operands does not accept their types. It returns "" for other functions.
func cannotCombine(function string, types []string) string {
	if len(types) != 2 {
		return ""
	}
	left, right := types[0], types[1]
	switch function {
	case operators.Add:
		return fmt.Sprintf("cannot add %s and %s", left, right)
	case operators.Subtract:
		return fmt.Sprintf("cannot subtract %s from %s", right, left)
	case operators.Multiply:
		return fmt.Sprintf("cannot multiply %s by %s", left, right)
	case operators.Divide, operators.Modulo:
		return fmt.Sprintf("cannot divide %s by %s", left, right)
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return fmt.Sprintf("cannot compare %s with %s", left, right)
	default:
		return ""
	}
}

// typeWords are the words for the types of CEL.
var typeWords = map[string]string{
	"string": "a string", "int": "an integer", "uint": "an unsigned integer", "double": "a decimal number", "bool": "a boolean",
	"list": "a list", "map": "an object", "null_type": "null", "bytes": "bytes", "type": "a type",
	"google.protobuf.Timestamp": "a timestamp", "google.protobuf.Duration": "a duration", optionalType: "an optional",
}

func typeWord(name string) string {
	if word, ok := typeWords[name]; ok {
		return word
	}
	return name
}
