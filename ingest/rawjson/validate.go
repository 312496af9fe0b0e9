// SPDX-License-Identifier: Apache-2.0

// Package rawjson reads and edits JSON as bytes, so that what passes through Doorbell unchanged keeps its exact spelling:
// numbers of any size, key order, escapes. Validate is for bytes from outside; everything else expects valid JSON.
package rawjson

import (
	"fmt"
	"unicode/utf8"
)

// SyntaxError says where and why bytes are not JSON.
type SyntaxError struct {
	// Offset is the number of bytes before the mistake.
	Offset int
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON at byte %d: %s", e.Offset, e.Reason)
}

// DepthError is returned for JSON that nests deeper than is allowed.
type DepthError struct {
	// Offset is the number of bytes before the first bracket that is too deep.
	Offset int
	Most   int
}

func (e *DepthError) Error() string {
	return fmt.Sprintf("not JSON at byte %d: nested more than %d levels deep", e.Offset, e.Most)
}

// Validate checks that data is one JSON value (RFC 8259), in valid UTF-8, with at most maxDepth arrays and objects
// around anything, and nothing but white space behind it.
func Validate(data []byte, maxDepth int) error {
	if !utf8.Valid(data) {
		return &SyntaxError{invalidUTF8(data), "invalid UTF-8"}
	}
	v := validator{data: data, maxDepth: maxDepth}
	if err := v.value(0); err != nil {
		return err
	}
	v.space()
	if v.at < len(data) {
		return v.fail("unexpected " + v.here() + " after the value")
	}
	return nil
}

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

type validator struct {
	data     []byte
	at       int
	maxDepth int
}

func (v *validator) fail(reason string) error { return &SyntaxError{v.at, reason} }

// here names what stands at the current position.
func (v *validator) here() string {
	if v.at >= len(v.data) {
		return "end of input"
	}
	r, _ := utf8.DecodeRune(v.data[v.at:])
	return fmt.Sprintf("%q", r)
}

func (v *validator) space() { v.at = skipSpace(v.data, v.at) }

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
		return v.fail("unexpected " + v.here() + ", want a value")
	}
}

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
			return v.fail("unexpected " + v.here() + ", want a key in double quotes")
		}
		if err := v.str(); err != nil {
			return err
		}
		if v.space(); v.peek() != ':' {
			return v.fail("unexpected " + v.here() + `, want ":"`)
		}
		v.at++
		if err := v.value(depth); err != nil {
			return err
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

// next steps over a comma, or over the closing character, which ends the container.
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
		return false, v.fail(fmt.Sprintf("unexpected %s, want \",\" or %q", v.here(), rune(closing)))
	}
}

func (v *validator) str() error {
	for v.at++; v.at < len(v.data); v.at++ {
		switch c := v.data[v.at]; {
		case c == '"':
			v.at++
			return nil
		case c < 0x20:
			return v.fail("control character in a string")
		case c == '\\':
			if err := v.escape(); err != nil {
				return err
			}
		}
	}
	return v.fail("end of input in a string")
}

// escape leaves the position on the escape's last byte.
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
		return v.fail("unexpected " + v.here() + ", want a digit")
	}
	for isDigit(v.peek()) {
		v.at++
	}
	return nil
}

func (v *validator) word(word string) error {
	if rest := v.data[v.at:]; len(rest) < len(word) || string(rest[:len(word)]) != word {
		return v.fail("unexpected " + v.here() + ", want a value")
	}
	v.at += len(word)
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
