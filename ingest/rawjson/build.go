// SPDX-License-Identifier: Apache-2.0

package rawjson

import (
	"bytes"
	"unicode/utf8"
)

// Field is a member to write into an object.
type Field struct {
	Name  string
	Value []byte
}

// Overlay returns the object base with each field added, or put in the place of every member of that name. Everything
// else keeps its bytes and its order. A base of nil is {}.
func Overlay(base []byte, fields []Field) []byte {
	if len(fields) == 0 && base != nil {
		return base
	}
	b := Builder{}
	if base != nil {
		for key, value := range Members(base) {
			if !named(fields, key) {
				b.raw(key, value)
			}
		}
	}
	for _, field := range fields {
		b.Add(field.Name, field.Value)
	}
	return b.Bytes()
}

func named(fields []Field, key []byte) bool {
	for i := range fields {
		if keyIs(key, fields[i].Name) {
			return true
		}
	}
	return false
}

// Merge returns the members of base and of over; a name that is in both has over's value.
func Merge(base, over []byte) []byte {
	names := map[string]struct{}{}
	for key := range Members(over) {
		names[Unquote(key)] = struct{}{}
	}
	return Filter(base, func(name string, _ []byte) bool {
		_, taken := names[name]
		return !taken
	}, over)
}

// Filter returns the members of object for which keep is true, followed by those of the objects in tail.
func Filter(object []byte, keep func(name string, value []byte) bool, tail ...[]byte) []byte {
	b := Builder{}
	for key, value := range Members(object) {
		if keep(Unquote(key), value) {
			b.raw(key, value)
		}
	}
	for _, more := range tail {
		for key, value := range Members(more) {
			b.raw(key, value)
		}
	}
	return b.Bytes()
}

// Builder writes an object member by member. Its zero value is ready to use.
type Builder struct{ buf []byte }

// Add writes a member; the value must be valid JSON.
func (b *Builder) Add(name string, value []byte) {
	b.comma()
	b.buf = appendQuoted(b.buf, name)
	b.buf = append(b.buf, ':')
	b.buf = append(b.buf, value...)
}

// Bytes returns the object.
func (b *Builder) Bytes() []byte {
	if b.buf == nil {
		return []byte("{}")
	}
	return append(b.buf, '}')
}

func (b *Builder) raw(key, value []byte) {
	b.comma()
	b.buf = append(b.buf, key...)
	b.buf = append(b.buf, ':')
	b.buf = append(b.buf, value...)
}

func (b *Builder) comma() {
	if b.buf == nil {
		b.buf = append(make([]byte, 0, 256), '{')
		return
	}
	b.buf = append(b.buf, ',')
}

// List writes an array of values that are valid JSON.
func List(values [][]byte) []byte {
	out := append([]byte{'['}, bytes.Join(values, []byte{','})...)
	return append(out, ']')
}

func appendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s { // an invalid byte becomes U+FFFD
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
