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

// String names the kind for people, with its article.
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

// KindOf tells a value's kind from its first byte.
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

// IsInteger tells whether a number is written as one: digits with perhaps a minus sign.
func IsInteger(number []byte) bool { return !bytes.ContainsAny(number, ".eE") }

// Trim removes white space around a value.
func Trim(data []byte) []byte { return bytes.Trim(data, " \t\r\n") }

// Lookup returns the value at path, exactly as it is written. A segment names an object's member (the last of duplicate
// keys wins) or, where it is a decimal number, an array's element.
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

// Member returns an object's member; the last of duplicate keys wins.
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

// Members yields an object's members as they are written, duplicates included: the key with its quotes, and the value.
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

// Elements yields an array's elements as they are written.
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

// Unquote decodes a JSON string. An unpaired surrogate becomes U+FFFD, as in encoding/json.
func Unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return string(inner) // the caller's bytes were not valid JSON
	}
	return s
}

// Quote encodes a string as JSON, without HTML escapes.
func Quote(s string) []byte { return appendQuoted(nil, s) }

// keyIs compares a key as written, quotes included, with a name.
func keyIs(key []byte, name string) bool {
	inner := key[1 : len(key)-1]
	if string(inner) == name {
		return bytes.IndexByte(inner, '\\') < 0
	}
	return bytes.IndexByte(inner, '\\') >= 0 && Unquote(key) == name
}
