// SPDX-License-Identifier: Apache-2.0

package event

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/google/uuid"
)

// NewID returns a new event ID, a UUID of version 7. Such IDs sort by time.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// encodingVersion is the first byte of a stored event.
const encodingVersion = 1

// ErrEncoding means that Decode cannot decode the bytes of a stored event.
var ErrEncoding = errors.New("stored event: unknown encoding")

// Append appends the encoding of the event to dst and returns the result: a version byte, then strings that each follow
// their length. ReceivedAt is not part of the encoding: the inbox stores it separately, because Redis sets it.
func (e *Event) Append(dst []byte) []byte {
	dst = slices.Grow(dst, e.maxSize())
	dst = append(dst, encodingVersion)
	for _, s := range [...]string{e.ID, e.Type, e.Key, e.OrderingKey, e.Verification} {
		dst = appendString(dst, s)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Headers)))
	if len(e.Headers) == 0 {
		return append(dst, e.Body...)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		dst = appendString(dst, name)
		dst = appendString(dst, e.Headers[name])
	}
	return append(dst, e.Body...)
}

// maxSize returns an upper bound of the length of the encoding.
func (e *Event) maxSize() int {
	const prefix = 4 // the length of a string of less than 256 MiB takes at most four bytes
	size := 1 + len(e.ID) + len(e.Type) + len(e.Key) + len(e.OrderingKey) + len(e.Verification) + len(e.Body) + 6*prefix
	for name, value := range e.Headers {
		size += len(name) + len(value) + 2*prefix
	}
	return size
}

// Decode decodes the output of Append. It returns ErrEncoding for data that it cannot decode. The body of the event
// shares the memory of data.
func Decode(data []byte) (*Event, error) {
	if len(data) == 0 || data[0] != encodingVersion {
		return nil, ErrEncoding
	}
	r := reader{data: data[1:]}
	e := &Event{ID: r.str(), Type: r.str(), Key: r.str(), OrderingKey: r.str(), Verification: r.str()}
	n := r.uvarint()
	if n > uint64(len(r.data)) {
		return nil, ErrEncoding
	}
	if n > 0 {
		e.Headers = make(map[string]string, n)
		for range n {
			name := r.str()
			e.Headers[name] = r.str()
		}
	}
	if r.broken {
		return nil, ErrEncoding
	}
	e.Body = r.data
	return e, nil
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// reader reads the fields of an encoded event. After the first invalid field, broken is true and all reads return zero
// values.
type reader struct {
	data   []byte
	broken bool
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 {
		r.broken = true
		return 0
	}
	r.data = r.data[size:]
	return n
}

func (r *reader) str() string {
	n := r.uvarint()
	if r.broken || n > uint64(len(r.data)) {
		r.broken = true
		return ""
	}
	s := string(r.data[:n])
	r.data = r.data[n:]
	return s
}
