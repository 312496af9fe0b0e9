// SPDX-License-Identifier: Apache-2.0

package rawjson

import "bytes"

// maxIndexed is the largest number of members that an Index stores. It bounds the memory that an event with very many
// members takes.
const maxIndexed = 256

// Index finds the members of one object by name. It reads the object once, while Lookup reads it again for each path.
// Read and Validate fill it.
// The zero value is the index of an object without members. An Index is safe for concurrent reads.
type Index struct {
	object  []byte
	members []span
	partial bool // the object has more than maxIndexed members, and members is empty
	plain   bool // the object contains no backslash, so its keys need no decoding
	first   [24]span
}

// span is the place of one member in the object. Key includes the quotes.
type span struct{ key, keyEnd, value, valueEnd uint32 }

// Read makes x the index of object. The Index refers to object, so the caller must not change it afterwards.
func (x *Index) Read(object []byte) {
	x.begin(object)
	c := cursor{data: object}
	for c.enter() && !x.partial {
		key := c.at
		keyEnd := skipString(object, key)
		value := skipSpace(object, skipSpace(object, keyEnd)+1) // the colon
		c.at = skipValue(object, value)
		x.add(key, keyEnd, value, c.at)
	}
}

// Validate checks data as the function Validate does. If data is a valid object without white space around it, Validate
// also makes x the index of the object, in the same pass.
func (x *Index) Validate(data []byte, maxDepth int) error {
	x.begin(data)
	err := validate(data, maxDepth, x)
	if err != nil || KindOf(data) != Object || data[len(data)-1] != '}' {
		*x = Index{}
	}
	return err
}

// begin makes x the index of an object whose members are not added yet.
func (x *Index) begin(object []byte) {
	x.object, x.members, x.partial = object, x.first[:0], false
	x.plain = bytes.IndexByte(object, '\\') < 0
}

// add adds the next member, which is at these offsets.
func (x *Index) add(key, keyEnd, value, valueEnd int) {
	if x.partial || len(x.members) == maxIndexed {
		x.members, x.partial = nil, true
		return
	}
	x.members = append(x.members, span{uint32(key), uint32(keyEnd), uint32(value), uint32(valueEnd)})
}

// Object returns the indexed object, or nil if there is none.
func (x *Index) Object() []byte { return x.object }

// Member returns a member, and reports whether the object has it. The last of duplicate keys wins.
func (x *Index) Member(name string) ([]byte, bool) {
	if x.partial {
		return member(x.object, name)
	}
	for i := len(x.members) - 1; i >= 0; i-- {
		s := &x.members[i]
		if x.plain && int(s.keyEnd-s.key) != len(name)+len(`""`) {
			continue
		}
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
