// SPDX-License-Identifier: Apache-2.0

package rawjson

import (
	"bytes"
	"cmp"
	"slices"
	"unicode/utf8"
)

// Field is a member that Overlay writes into an object. Value is valid JSON.
type Field struct {
	Name  string
	Value []byte
}

// Overlay returns the object base without the members that have the name of a field, followed by the fields. The other
// members keep their bytes and their order. A base of nil means {}.
func Overlay(base []byte, fields []Field) []byte {
	if len(fields) == 0 && base != nil {
		return base
	}
	size := len(base) + len("{}")
	for _, field := range fields {
		size += len(field.Name) + len(field.Value) + len(`"":,`)
	}
	b := Builder{size: size}
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

// named reports whether a key is the name of a field.
func named(fields []Field, key []byte) bool {
	for i := range fields {
		if keyIs(key, fields[i].Name) {
			return true
		}
	}
	return false
}

// Merge returns an object with the members of base and over. If both have a member with the same name, the member of
// over wins.
func Merge(base, over []byte) []byte {
	replaced := keySet(over)
	b := Builder{size: len(base) + len(over)}
	for key, value := range Members(base) {
		if !replaced(key) {
			b.raw(key, value)
		}
	}
	for key, value := range Members(over) {
		b.raw(key, value)
	}
	return b.Bytes()
}

// keySet returns a function that reports whether an object has a key. The key includes its quotes.
func keySet(object []byte) func(key []byte) bool {
	var index Index
	index.Read(object)
	if !index.partial {
		return index.hasKey
	}
	names := map[string]struct{}{}
	for key := range Members(object) {
		names[Unquote(key)] = struct{}{}
	}
	return func(key []byte) bool {
		_, ok := names[Unquote(key)]
		return ok
	}
}

// Omit returns a copy of an object without the members that have one of the names.
func Omit(object []byte, names []string) []byte {
	return Filter(object, func(key, _ []byte) bool {
		return !slices.ContainsFunc(names, func(name string) bool { return keyIs(key, name) })
	})
}

// Filter returns an object with the members of object for which keep returns true. The key includes its quotes.
func Filter(object []byte, keep func(key, value []byte) bool) []byte {
	b := Builder{size: len(object)}
	for key, value := range Members(object) {
		if keep(key, value) {
			b.raw(key, value)
		}
	}
	return b.Bytes()
}

// Compact returns the value without the white space between its tokens, as json.Compact does. If there is no such white
// space, the result is value itself.
func Compact(value []byte) []byte {
	var out []byte
	rest := 0 // value[rest:at] is not yet in out
	for at := 0; at < len(value); {
		switch value[at] {
		case '"':
			at = skipString(value, at)
		case ' ', '\t', '\r', '\n':
			out = append(out, value[rest:at]...)
			at = skipSpace(value, at)
			rest = at
		default:
			at++
		}
	}
	if rest == 0 {
		return value
	}
	return append(out, value[rest:]...)
}

// Builder writes an object member by member. Its zero value is ready to use.
type Builder struct {
	buf  []byte
	size int // the expected length of the object, or 0 if it is unknown
}

// Add appends a member. The value must be valid JSON.
func (b *Builder) Add(name string, value []byte) {
	b.comma()
	b.buf = AppendQuote(b.buf, name)
	b.buf = append(b.buf, ':')
	b.buf = append(b.buf, value...)
}

// Bytes returns the object. Do not call Add afterwards.
func (b *Builder) Bytes() []byte {
	if b.buf == nil {
		return []byte("{}")
	}
	return append(b.buf, '}')
}

// raw appends a member whose key is already JSON.
func (b *Builder) raw(key, value []byte) {
	b.comma()
	b.buf = append(b.buf, key...)
	b.buf = append(b.buf, ':')
	b.buf = append(b.buf, value...)
}

func (b *Builder) comma() {
	if b.buf == nil {
		b.buf = append(make([]byte, 0, cmp.Or(b.size, 256)), '{')
		return
	}
	b.buf = append(b.buf, ',')
}

// List returns an array of the values, which must be valid JSON.
func List(values [][]byte) []byte {
	out := append([]byte{'['}, bytes.Join(values, []byte{','})...)
	return append(out, ']')
}

// AppendQuote appends a string as JSON to dst. It does not escape <, > and &. A byte that is not UTF-8 becomes U+FFFD.
func AppendQuote(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	plain := 0 // s[plain:i] is not in dst yet and needs no escape
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		} else if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[plain:i]...)
		switch {
		case c >= utf8.RuneSelf:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, '\\', c)
		}
		i++
		plain = i
	}
	return append(append(dst, s[plain:]...), '"')
}
