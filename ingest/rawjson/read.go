// SPDX-License-Identifier: Apache-2.0

package rawjson

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
)

// Kind is the type of a JSON value.
type Kind byte

// The kinds of JSON values.
const (
	Null   Kind = 'n'
	Bool   Kind = 'b'
	Number Kind = '0'
	String Kind = '"'
	Array  Kind = '['
	Object Kind = '{'
)

// String returns the kind in words, with its article, such as "a string".
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Bool:
		return "a boolean"
	case Number:
		return "a number"
	case String:
		return "a string"
	case Array:
		return "a list"
	case Object:
		return "an object"
	default:
		return "nothing"
	}
}

// KindOf returns the kind of a value. It reads only the first byte. The kind of an empty slice is 0.
func KindOf(value []byte) Kind {
	if len(value) == 0 {
		return 0
	}
	switch c := value[0]; c {
	case '"', '[', '{', 'n':
		return Kind(c)
	case 't', 'f':
		return Bool
	default:
		return Number
	}
}

// IsInteger reports whether a number is written as an integer: digits, perhaps with a minus sign, but without a
// fraction or an exponent.
func IsInteger(number []byte) bool { return !bytes.ContainsAny(number, ".eE") }

// Trim removes white space around a value.
func Trim(data []byte) []byte {
	if len(data) > 0 && data[0] > ' ' && data[len(data)-1] > ' ' {
		return data
	}
	return bytes.Trim(data, " \t\r\n")
}

// Lookup returns the value at path, exactly as it is written. A segment is the name of a member of an object, or the
// index of an element of an array, counted from 0. The last of duplicate keys wins. Lookup reports whether it found a
// value. The result shares the memory of value.
func Lookup(value []byte, path []string) (found []byte, ok bool) {
	value = Trim(value)
	for _, segment := range path {
		switch KindOf(value) {
		case Object:
			value, ok = member(value, segment)
		case Array:
			value, ok = element(value, segment)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return value, len(value) > 0
}

// Member returns a member of an object, and reports whether the object has it. The last of duplicate keys wins.
func Member(object []byte, name string) ([]byte, bool) { return member(object, name) }

func member(object []byte, name string) (found []byte, ok bool) {
	c := cursor{data: object}
	for key, value, more := c.member(); more; key, value, more = c.member() {
		if keyIs(key, name) {
			found, ok = value, true
		}
	}
	return found, ok
}

func element(array []byte, segment string) ([]byte, bool) {
	index, err := strconv.Atoi(segment)
	if err != nil || index < 0 || strconv.Itoa(index) != segment {
		return nil, false
	}
	c := cursor{data: array}
	for value, more := c.element(); more; value, more = c.element() {
		if index == 0 {
			return value, true
		}
		index--
	}
	return nil, false
}

// Members yields the members of an object as they are written, including duplicates. The key includes its quotes.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		c := cursor{data: object}
		for key, value, more := c.member(); more; key, value, more = c.member() {
			if !yield(key, value) {
				return
			}
		}
	}
}

// Elements yields the elements of an array as they are written.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		c := cursor{data: array}
		for value, more := c.element(); more; value, more = c.element() {
			if !yield(value) {
				return
			}
		}
	}
}

// Unquote decodes a JSON string. It replaces an unpaired surrogate by U+FFFD, as encoding/json does.
func Unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return string(inner) // the argument was not valid JSON
	}
	return s
}

// Quote encodes a string as JSON. It does not escape <, > and &.
func Quote(s string) []byte { return AppendQuote(nil, s) }

// keyIs reports whether a key equals the name. The key includes its quotes. keyIs decodes it only if it has an escape.
func keyIs(key []byte, name string) bool {
	inner := key[1 : len(key)-1]
	if len(inner) <= len(name) { // an escape is longer than the character that it represents
		return string(inner) == name && bytes.IndexByte(inner, '\\') < 0
	}
	return bytes.IndexByte(inner, '\\') >= 0 && Unquote(key) == name
}
