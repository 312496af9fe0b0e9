// SPDX-License-Identifier: Apache-2.0

package rawjson

import "bytes"

// cursor iterates over the members of an object or the elements of an array, without allocating.
type cursor struct {
	data []byte
	at   int
}

// member returns the next key, with its quotes, and its value. It reports false after the last member.
func (c *cursor) member() (key, value []byte, more bool) {
	if !c.enter() {
		return nil, nil, false
	}
	end := skipString(c.data, c.at)
	key = c.data[c.at:end]
	c.at = skipSpace(c.data, end) + 1 // the colon
	value = c.take()
	return key, value, true
}

// element returns the next element. It reports false after the last element.
func (c *cursor) element() (value []byte, more bool) {
	if !c.enter() {
		return nil, false
	}
	return c.take(), true
}

// enter steps over the opening bracket, or over a comma, to the next member or element. It reports false at the closing
// bracket.
func (c *cursor) enter() bool {
	if c.at == 0 {
		c.at = 1
		c.at = skipSpace(c.data, c.at)
	} else {
		c.at = skipSpace(c.data, c.at)
		if c.at < len(c.data) && c.data[c.at] == ',' {
			c.at = skipSpace(c.data, c.at+1)
		}
	}
	return c.at < len(c.data) && c.data[c.at] != '}' && c.data[c.at] != ']'
}

// take returns the value at the cursor, and steps over it.
func (c *cursor) take() []byte {
	start := skipSpace(c.data, c.at)
	c.at = skipValue(c.data, start)
	return c.data[start:c.at]
}

// skipSpace returns the offset of the first byte that is not white space.
func skipSpace(data []byte, at int) int {
	for at < len(data) {
		switch data[at] {
		case ' ', '\t', '\r', '\n':
			at++
		default:
			return at
		}
	}
	return at
}

// skipString returns the offset after the string that begins at offset at.
func skipString(data []byte, at int) int {
	at++
	for {
		quote := bytes.IndexByte(data[at:], '"')
		if quote < 0 {
			return len(data)
		}
		at += quote + 1
		if !escaped(data, at-1) {
			return at
		}
	}
}

// escaped reports whether an odd number of backslashes precedes the quote at offset at.
func escaped(data []byte, at int) bool {
	odd := false
	for i := at - 1; i >= 0 && data[i] == '\\'; i-- {
		odd = !odd
	}
	return odd
}

// skipValue returns the offset after the value that begins at offset at.
func skipValue(data []byte, at int) int {
	if at >= len(data) {
		return at
	}
	switch data[at] {
	case '"':
		return skipString(data, at)
	case '{', '[':
		return skipContainer(data, at)
	default:
		for at < len(data) {
			switch data[at] {
			case ',', '}', ']', ' ', '\t', '\r', '\n':
				return at
			}
			at++
		}
		return at
	}
}

// skipContainer returns the offset after the object or array that begins at offset at.
func skipContainer(data []byte, at int) int {
	for depth := 0; at < len(data); {
		switch data[at] {
		case '"':
			at = skipString(data, at)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}
		at++
	}
	return at
}
