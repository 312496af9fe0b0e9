// SPDX-License-Identifier: Apache-2.0

// Package rawjson reads and edits JSON as bytes. Values that Doorbell passes on unchanged therefore keep their exact
// spelling: numbers of any size, the order of keys, and escapes. Packages event, expression, mapping, eventlog and
// eventtype use it for every event. Call Validate first on bytes from outside, because all other functions expect valid
// JSON. They must never read or return bytes outside their argument.
//
// encoding/json would decode an event into maps and encode it again. That changes 9007199254740993 and 1.0, sorts the
// keys, and allocates for every value. json.RawMessage keeps the bytes, but decodes each level of a path. The jsontext
// package of encoding/json/v2 has the right tools, but Go offers it only as an experiment (GOEXPERIMENT=jsonv2),
// without a promise of compatibility. When the experiment ends, jsontext can replace this package.
package rawjson

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// SyntaxError reports where and why bytes are not JSON.
type SyntaxError struct {
	// Offset is the number of bytes before the mistake.
	Offset int
	// Reason says what is wrong there.
	Reason string
}

// Error implements error. The text contains Offset and Reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON at byte %d: %s", e.Offset, e.Reason)
}

// DepthError reports JSON that is nested too deeply.
type DepthError struct {
	// Offset is the number of bytes before the first bracket that is too deep.
	Offset int
	// Most is the allowed number of levels.
	Most int
}

// Error implements error. The text contains Offset and Most.
func (e *DepthError) Error() string {
	return fmt.Sprintf("nested more than %d levels deep at byte %d", e.Most, e.Offset)
}

// Validate checks that data is exactly one JSON value (RFC 8259) in valid UTF-8. White space around the value is
// allowed. No value may be inside more than maxDepth arrays and objects. The error is a *SyntaxError or a *DepthError.
func Validate(data []byte, maxDepth int) error { return validate(data, maxDepth, nil) }

// validate is Validate. If index is not nil and data is an object, it adds the members of the object to the index.
func validate(data []byte, maxDepth int, index *Index) error {
	if !utf8.Valid(data) {
		return &SyntaxError{invalidUTF8(data), "invalid UTF-8"}
	}
	v := validator{data: data, maxDepth: maxDepth, index: index}
	if err := v.value(0); err != nil {
		return err
	}
	v.space()
	if v.at < len(data) {
		return v.fail("unexpected " + v.here() + " after the value")
	}
	return nil
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// validator is a recursive-descent parser that produces nothing but the index of the outermost object. Its depth is
// bounded by maxDepth.
type validator struct {
	data     []byte
	at       int
	maxDepth int
	index    *Index // may be nil
}

func (v *validator) fail(reason string) error { return &SyntaxError{v.at, reason} }

// here returns the character at the current position, for an error.
func (v *validator) here() string {
	if v.at >= len(v.data) {
		return "end of input"
	}
	r, _ := utf8.DecodeRune(v.data[v.at:])
	return fmt.Sprintf("%q", r)
}

func (v *validator) space() {
	if v.at < len(v.data) && v.data[v.at] <= ' ' {
		v.at = skipSpace(v.data, v.at)
	}
}

func (v *validator) peek() byte {
	if v.at < len(v.data) {
		return v.data[v.at]
	}
	return 0
}

func (v *validator) value(depth int) error {
	v.space()
	switch c := v.peek(); {
	case c == '{':
		return v.object(depth + 1)
	case c == '[':
		return v.array(depth + 1)
	case c == '"':
		return v.str()
	case c == '-' || isDigit(c):
		return v.number()
	case c == 't':
		return v.word("true")
	case c == 'f':
		return v.word("false")
	case c == 'n':
		return v.word("null")
	default:
		return v.fail("unexpected " + v.here() + ", expected a value")
	}
}

// open steps over an opening bracket. It returns a *DepthError if the bracket is too deep.
func (v *validator) open(depth int) error {
	if depth > v.maxDepth {
		return &DepthError{v.at, v.maxDepth}
	}
	v.at++
	v.space()
	return nil
}

func (v *validator) object(depth int) error {
	if err := v.open(depth); err != nil {
		return err
	}
	if v.peek() == '}' {
		v.at++
		return nil
	}
	for {
		if v.space(); v.peek() != '"' {
			return v.fail("unexpected " + v.here() + ", expected a key in double quotes")
		}
		key := v.at
		if err := v.str(); err != nil {
			return err
		}
		keyEnd := v.at
		if v.space(); v.peek() != ':' {
			return v.fail("unexpected " + v.here() + `, expected ":"`)
		}
		v.at++
		v.space()
		value := v.at
		if err := v.value(depth); err != nil {
			return err
		}
		if depth == 1 && v.index != nil {
			v.index.add(key, keyEnd, value, v.at)
		}
		if done, err := v.next('}'); done || err != nil {
			return err
		}
	}
}

func (v *validator) array(depth int) error {
	if err := v.open(depth); err != nil {
		return err
	}
	if v.peek() == ']' {
		v.at++
		return nil
	}
	for {
		if err := v.value(depth); err != nil {
			return err
		}
		if done, err := v.next(']'); done || err != nil {
			return err
		}
	}
}

// next steps over a comma or the closing bracket. It reports whether the array or object is complete.
func (v *validator) next(closing byte) (done bool, err error) {
	v.space()
	switch v.peek() {
	case ',':
		v.at++
		return false, nil
	case closing:
		v.at++
		return true, nil
	default:
		return false, v.fail(fmt.Sprintf("unexpected %s, expected \",\" or %q", v.here(), rune(closing)))
	}
}

func (v *validator) str() error {
	for v.at++; ; v.at++ {
		v.at = skipOrdinary(v.data, v.at)
		if v.at >= len(v.data) {
			return v.fail("end of input in a string")
		}
		switch c := v.data[v.at]; {
		case c == '"':
			v.at++
			return nil
		case c < 0x20:
			return v.fail("control character in a string")
		default:
			if err := v.escape(); err != nil {
				return err
			}
		}
	}
}

// skipOrdinary returns the offset of the first byte, from at on, that needs a check in a string: a quote, a backslash
// or a control character. It examines eight bytes at a time.
func skipOrdinary(data []byte, at int) int {
	for ; at+8 <= len(data); at += 8 {
		if found := special(binary.LittleEndian.Uint64(data[at:])); found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for at < len(data) && data[at] >= 0x20 && data[at] != '"' && data[at] != '\\' {
		at++
	}
	return at
}

// special returns a number whose lowest set bit is in the first byte of w that is a quote, a backslash or a control
// character; 0 if there is none. The bits above it have no meaning: a subtraction can borrow from the next byte.
func special(w uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, backslash := w^('"'*ones), w^('\\'*ones)
	return ((w-0x20*ones)&^w | (quote-ones)&^quote | (backslash-ones)&^backslash) & high
}

// escape checks an escape sequence, and leaves the position at its last byte.
func (v *validator) escape() error {
	v.at++
	switch v.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			if v.at++; !isHex(v.peek()) {
				return v.fail(`\u needs four hexadecimal digits`)
			}
		}
		return nil
	default:
		return v.fail("unknown escape")
	}
}

func (v *validator) number() error {
	if v.peek() == '-' {
		v.at++
	}
	if v.peek() == '0' {
		v.at++
	} else if err := v.digits(); err != nil {
		return err
	}
	if v.peek() == '.' {
		v.at++
		if err := v.digits(); err != nil {
			return err
		}
	}
	if c := v.peek(); c == 'e' || c == 'E' {
		v.at++
		if c := v.peek(); c == '+' || c == '-' {
			v.at++
		}
		return v.digits()
	}
	return nil
}

func (v *validator) digits() error {
	if !isDigit(v.peek()) {
		return v.fail("unexpected " + v.here() + ", expected a digit")
	}
	for isDigit(v.peek()) {
		v.at++
	}
	return nil
}

func (v *validator) word(word string) error {
	if rest := v.data[v.at:]; len(rest) < len(word) || string(rest[:len(word)]) != word {
		return v.fail("unexpected " + v.here() + ", expected a value")
	}
	v.at += len(word)
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
