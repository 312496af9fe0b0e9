// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"bytes"
	"strconv"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// Most expressions choose, compare and join values of the event. Doorbell evaluates them without CEL, on the bytes of
// the event, in a tenth of the time. A native evaluation returns either exactly the result of CEL or unsure. It returns
// unsure for every value and every error that it does not handle, and Doorbell then evaluates the whole expression with
// CEL. A test compares both results.

// outcome says what the evaluation of a native expression has found.
type outcome int

const (
	unsure outcome = iota // only CEL knows the result
	found                 // a value
	absent                // the event lacks a member that the expression needs; this is an error in CEL
	none                  // an optional without a value
)

// native is an expression that Doorbell evaluates without CEL. The value is JSON in the form in which package
// expression encodes the result of CEL. It is nil unless the outcome is found.
type native interface {
	eval(in *Input) ([]byte, outcome)
}

// maxNative bounds each text and object that a native expression works on, in bytes. An expression that works on larger
// values could exceed the bounds that package budget sets for CEL.
const maxNative = 64 << 10

// evalNative evaluates an expression without CEL. It reports whether it has the result: a value, or a *MissingError.
func (x *Expression) evalNative(in *Input) (value []byte, err error, ok bool) {
	value, got := x.native.eval(in)
	switch got {
	case found:
		return value, nil, true
	case none:
		return nil, missing(x, in, 0, ""), true
	case absent:
		if _, ok := x.native.(coalesced); ok { // for other expressions, only CEL knows which member is missing
			return nil, missing(x, in, x.program.ast.Expr().ID(), ""), true
		}
	case unsure:
	}
	return nil, nil, false
}

// fallback is a part of an expression that only CEL evaluates. It can be an argument that most events do not reach.
type fallback struct{}

func (fallback) eval(*Input) ([]byte, outcome) { return nil, unsure }

// constant is a literal.
type constant struct{ json []byte }

func (c constant) eval(*Input) ([]byte, outcome) { return c.json, found }

// noValue is optional.none().
type noValue struct{}

func (noValue) eval(*Input) ([]byte, outcome) { return nil, none }

// root reads one of the variables body and headers, or a preprocess step.
type root struct {
	path     path // body without segments, or headers or preprocess with one
	optional bool
}

func (r root) eval(in *Input) ([]byte, outcome) {
	value, ok := r.path.eval(in)
	if !ok {
		return missingMember(r.optional)
	}
	return canonical(value)
}

// memberOf reads a member of an object.
type memberOf struct {
	object   native
	name     string
	optional bool // whether a missing member is an optional without a value, and not an error
}

func (m memberOf) eval(in *Input) ([]byte, outcome) {
	object, got := m.object.eval(in)
	switch {
	case got == none && m.optional:
		return nil, none
	case got != found:
		return nil, got
	case rawjson.KindOf(object) != rawjson.Object:
		return nil, unsure
	}
	value, ok := in.member(object, m.name)
	if !ok {
		return missingMember(m.optional)
	}
	return canonical(value)
}

func missingMember(optional bool) ([]byte, outcome) {
	if optional {
		return nil, none
	}
	return nil, absent
}

// has reports whether a member exists: has(body.x).
type has struct{ member native }

func (h has) eval(in *Input) ([]byte, outcome) {
	switch _, got := h.member.eval(in); got {
	case found:
		return boolean(true)
	case none:
		return boolean(false)
	default:
		return nil, unsure
	}
}

// coalesced returns the first value that is neither missing, null nor "".
type coalesced struct{ arguments []native }

func (c coalesced) eval(in *Input) ([]byte, outcome) {
	for _, argument := range c.arguments {
		value, got := argument.eval(in)
		switch {
		case got == unsure || len(c.arguments) == 1 && rawjson.KindOf(value) == rawjson.Array:
			return nil, unsure
		case got == found && string(value) != "null" && string(value) != `""`:
			return value, found
		}
	}
	return nil, absent
}

// orValue returns the value of an optional, or else another value.
type orValue struct{ optional, other native }

func (o orValue) eval(in *Input) ([]byte, outcome) {
	value, got := o.optional.eval(in)
	if got == none {
		return o.other.eval(in)
	}
	return value, got
}

// conditional is c ? a : b.
type conditional struct{ condition, yes, no native }

func (c conditional) eval(in *Input) ([]byte, outcome) {
	value, got := c.condition.eval(in)
	switch {
	case got != found:
		return nil, unsure
	case string(value) == "true":
		return c.yes.eval(in)
	case string(value) == "false":
		return c.no.eval(in)
	default:
		return nil, unsure
	}
}

// logic is a && b, or a || b. If the left side has the value decides, "false" or "true", this value is the result.
type logic struct {
	left, right native
	decides     string
}

func (l logic) eval(in *Input) ([]byte, outcome) {
	value, got := l.left.eval(in)
	if got != found || rawjson.KindOf(value) != rawjson.Bool {
		return nil, unsure
	}
	if string(value) == l.decides {
		return value, found
	}
	value, got = l.right.eval(in)
	if got != found || rawjson.KindOf(value) != rawjson.Bool {
		return nil, unsure
	}
	return value, found
}

// not is !x.
type not struct{ operand native }

func (n not) eval(in *Input) ([]byte, outcome) {
	value, got := n.operand.eval(in)
	if got != found || rawjson.KindOf(value) != rawjson.Bool {
		return nil, unsure
	}
	return boolean(string(value) == "false")
}

// oneOf is a == b, or a in [b, c].
type oneOf struct {
	operand native
	list    []native
}

func (o oneOf) eval(in *Input) ([]byte, outcome) {
	value, got := o.operand.eval(in)
	if got != found || !isScalar(value) {
		return nil, unsure
	}
	equal := false
	for _, other := range o.list {
		candidate, got := other.eval(in)
		if got != found || !isScalar(candidate) {
			return nil, unsure
		}
		equal = equal || string(candidate) == string(value)
	}
	return boolean(equal)
}

func isScalar(value []byte) bool {
	kind := rawjson.KindOf(value)
	return kind != rawjson.Object && kind != rawjson.Array
}

// ofKind is type(x) == string, or the same with another type.
type ofKind struct {
	operand native
	kind    rawjson.Kind
}

func (o ofKind) eval(in *Input) ([]byte, outcome) {
	value, got := o.operand.eval(in)
	if got != found {
		return nil, unsure
	}
	return boolean(rawjson.KindOf(value) == o.kind)
}

// joined is a + b for strings.
type joined struct{ left, right native }

func (j joined) eval(in *Input) ([]byte, outcome) {
	left, gotLeft := j.left.eval(in)
	right, gotRight := j.right.eval(in)
	if gotLeft != found || gotRight != found || rawjson.KindOf(left) != rawjson.String || rawjson.KindOf(right) != rawjson.String {
		return nil, unsure
	}
	if len(left)+len(right) > maxNative {
		return nil, unsure
	}
	out := make([]byte, 0, len(left)+len(right)-2)
	return append(append(out, left[:len(left)-1]...), right[1:]...), found
}

// merged is merge(a, b).
type merged struct{ base, over native }

func (m merged) eval(in *Input) ([]byte, outcome) {
	base, gotBase := objectOf(m.base, in)
	over, gotOver := objectOf(m.over, in)
	if gotBase != found || gotOver != found {
		return nil, unsure
	}
	return rawjson.Merge(base, over), found
}

// omitted is omit(object, names).
type omitted struct {
	object native
	names  []string
}

func (o omitted) eval(in *Input) ([]byte, outcome) {
	object, got := objectOf(o.object, in)
	if got != found {
		return nil, unsure
	}
	return rawjson.Omit(object, o.names), found
}

// objectOf returns the object that merge and omit use: {} if the value is not an object or an optional has no value.
func objectOf(n native, in *Input) ([]byte, outcome) {
	value, got := n.eval(in)
	switch {
	case len(value) > maxNative:
		return nil, unsure
	case got == none, got == found && rawjson.KindOf(value) != rawjson.Object:
		return []byte("{}"), found
	default:
		return value, got
	}
}

// text is string(x) for strings and integers.
type text struct{ operand native }

func (t text) eval(in *Input) ([]byte, outcome) {
	value, got := t.operand.eval(in)
	switch kind := rawjson.KindOf(value); {
	case got == found && kind == rawjson.String:
		return value, found
	case got == found && kind == rawjson.Number:
		return rawjson.Quote(string(value)), found
	default:
		return nil, unsure
	}
}

func boolean(b bool) ([]byte, outcome) { return strconv.AppendBool(nil, b), found }

// maxDigits is the largest number of digits with which every integer fits into int64.
const maxDigits = 18

// canonical returns a value of the event as CEL would encode it.
func canonical(value []byte) ([]byte, outcome) {
	switch rawjson.KindOf(value) {
	case rawjson.String:
		if len(value) > maxNative {
			return nil, unsure
		}
		if bytes.IndexByte(value, '\\') >= 0 {
			value = rawjson.Quote(rawjson.Unquote(value))
		}
		return value, found
	case rawjson.Number:
		if !rawjson.IsInteger(value) || len(value) > maxDigits || string(value) == "-0" {
			return nil, unsure
		}
		return value, found
	default:
		return value, found
	}
}
