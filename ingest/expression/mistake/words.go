// SPDX-License-Identifier: Apache-2.0

package mistake

import (
	"fmt"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types/ref"
)

// typeWords are the words for the types of CEL. An optional is a value that may be absent, as body.?x gives it.
var typeWords = map[string]string{
	"string": "a string", "int": "an integer", "uint": "an unsigned integer", "double": "a decimal number", "bool": "a boolean",
	"list": "a list", "map": "an object", "null_type": "null", "bytes": "bytes", "type": "a type", "dyn": "a value of the event",
	"google.protobuf.Timestamp": "a timestamp", "google.protobuf.Duration": "a duration", optionalType: "an optional",
}

// TypeWord returns the word for a type with its article, such as "a string".
func TypeWord(t ref.Type) string {
	if word, ok := typeWords[t.TypeName()]; ok {
		return word
	}
	return t.TypeName()
}

// Words says that an operator cannot combine two values. words are the types of the values, from TypeWord. Words returns
// "" for a function that is not an operator with two values.
func Words(function string, words []string) string {
	if len(words) != 2 {
		return ""
	}
	left, right := words[0], words[1]
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
	case operators.In:
		return fmt.Sprintf(`"in" needs a list or an object after it, not %s`, right)
	default:
		return ""
	}
}
