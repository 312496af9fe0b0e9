// SPDX-License-Identifier: Apache-2.0

package budget

import (
	"math"
	"regexp/syntax"
	"strings"

	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// estimates returns a function for each guarded function of CEL. It estimates the work of a call from its arguments.
func estimates() map[string]func(args []ref.Val) int {
	e := map[string]func([]ref.Val) int{
		"replace": func(a []ref.Val) int {
			return linear(a) + product(strings.Count(text(a[0]), text(a[1])), len(text(a[2])))
		},
		"join":                  joined,
		"format":                formatted,
		"lists.range":           func(a []ref.Val) int { n, _ := a[0].(types.Int); return clamp(int64(n)) * 16 },
		"indexOf":               func(a []ref.Val) int { return product(weight(a[0]), weight(a[1])) },
		"lastIndexOf":           func(a []ref.Val) int { return product(weight(a[0]), weight(a[1])) },
		"matches":               func(a []ref.Val) int { return product(weight(a[0]), states(text(a[1]))) },
		"distinct":              func(a []ref.Val) int { return product(size(a[0]), weight(a[0])) },
		"sort":                  func(a []ref.Val) int { return product(linear(a), 16) },
		"@sortByAssociatedKeys": func(a []ref.Val) int { return product(linear(a), 16) },
		"split":                 func(a []ref.Val) int { return product(linear(a), 16) },
		"slice":                 func(a []ref.Val) int { return product(linear(a), 16) },
		"reverse":               func(a []ref.Val) int { return product(linear(a), 16) },
		"flatten":               func(a []ref.Val) int { return product(linear(a), 16) },
	}
	for _, name := range []string{
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		operators.Add, operators.In, "charAt", "substring", "trim", "lowerAscii", "upperAscii", "strings.quote",
		"contains", "startsWith", "endsWith", "size", "string", "bytes", "int", "uint", "double", "timestamp", "duration",
		"base64.encode", "base64.decode", "merge", "omit",
	} {
		e[name] = linear
	}
	for _, name := range []string{operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo} {
		// The work is constant. The guard must know these operators to explain their errors and to mix integers and
		// decimals.
		e[name] = func([]ref.Val) int { return 1 }
	}
	return e
}

// states returns about how many steps a regular expression takes for each byte of the text. Nested repetitions
// multiply.
func states(pattern string) int {
	if len(pattern) > 1000 {
		return maxWork
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 1 // the call returns the error
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 1
	}
	return len(program.Inst)
}

func linear(args []ref.Val) int {
	sum := 0
	for _, arg := range args {
		sum += weight(arg)
	}
	return sum
}

// sized is a value that knows the length of its JSON, such as an object or a list of an event.
type sized interface{ Bytes() int }

// weight returns about how many bytes or elements a value has.
func weight(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v) + 1
	case types.Bytes:
		return len(v) + 1
	case sized:
		return v.Bytes()
	case *types.Optional:
		if v.HasValue() {
			return weight(v.GetValue())
		}
		return 1
	default:
		return size(v) + 1
	}
}

func size(v ref.Val) int {
	if s, ok := v.(traits.Sizer); ok {
		if n, ok := s.Size().(types.Int); ok {
			return clamp(int64(n))
		}
	}
	return 0
}

func text(v ref.Val) string { s, _ := v.(types.String); return string(s) }

func joined(args []ref.Val) int {
	l, ok := args[0].(traits.Lister)
	if !ok {
		return 1
	}
	separator := 0
	if len(args) > 1 {
		separator = weight(args[1])
	}
	return contents(l, separator)
}

// contents adds up the weight of each element of a list, plus each. It stops when the sum exceeds the budget.
func contents(l traits.Lister, each int) int {
	sum := 0
	for it := l.Iterator(); it.HasNext() == types.True && sum <= maxWork; {
		sum += weight(it.Next()) + each
	}
	return sum
}

// formatted assumes that each verb writes all arguments, and that each number in the format is a width.
func formatted(args []ref.Val) int {
	format, l := text(args[0]), args[1]
	widths, digits := 0, 0
	for _, c := range format {
		if digits = digits * 10; c >= '0' && c <= '9' && digits < maxWork {
			digits += int(c - '0')
		} else {
			widths, digits = widths+digits/10, 0
		}
	}
	all := len(format)
	if l, ok := l.(traits.Lister); ok {
		all += contents(l, 1)
	}
	return product(strings.Count(format, "%")+1, all) + widths + digits
}

// product returns a times b, and the largest int32 instead of an overflow.
func product(a, b int) int {
	if a > 0 && b > math.MaxInt32/a {
		return math.MaxInt32
	}
	return a * b
}

func clamp(n int64) int { return int(max(0, min(n, math.MaxInt32))) }
