// SPDX-License-Identifier: Apache-2.0

package rawjson

import (
	"bytes"
	"slices"
)

// maxIndexed is the largest number of members that an Index stores. It bounds the memory that an event with very many
// members takes.
const maxIndexed = 256

// Index finds the members of one object by name. It reads the object once, while Lookup reads it again for each path.
// The zero value is the index of an object without members. An Index is safe for concurrent reads.
type Index struct {
	object  []byte
	members []span
	partial bool // the object has more than maxIndexed members, and members is empty
	first   [24]span
}

// span is the place of one member in the object. Key includes the quotes.
type span struct{ key, keyEnd, value, valueEnd uint32 }

// Read makes x the index of object. The Index refers to object, so the caller must not change it afterwards.
func (x *Index) Read(object []byte) {
	x.object, x.members, x.partial = object, x.first[:0], false
	c := cursor{data: object}
	for c.enter() {
		key := c.at
		keyEnd := skipString(object, key)
		value := skipSpace(object, skipSpace(object, keyEnd)+1) // the colon
		c.at = skipValue(object, value)
		if len(x.members) == maxIndexed {
			x.members, x.partial = nil, true
			return
		}
		x.members = append(x.members, span{uint32(key), uint32(keyEnd), uint32(value), uint32(c.at)})
	}
}

// Object returns the argument of the latest Read, or nil if Read was never called.
func (x *Index) Object() []byte { return x.object }

// Member returns a member, and reports whether the object has it. The last of duplicate keys wins.
func (x *Index) Member(name string) ([]byte, bool) {
	if x.partial {
		return member(x.object, name)
	}
	for _, s := range slices.Backward(x.members) {
		if keyIs(x.object[s.key:s.keyEnd], name) {
			return x.object[s.value:s.valueEnd], true
		}
	}
	return nil, false
}

// hasKey reports whether the object has a key. The key includes its quotes. The index must not be partial.
func (x *Index) hasKey(key []byte) bool {
	for _, s := range x.members {
		if sameKey(x.object[s.key:s.keyEnd], key) {
			return true
		}
	}
	return false
}

// sameKey reports whether two keys are equal. The keys include their quotes. It decodes them only if one has an escape.
func sameKey(a, b []byte) bool {
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return bytes.Equal(a, b)
	}
	return Unquote(a) == Unquote(b)
}
