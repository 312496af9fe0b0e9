// SPDX-License-Identifier: Apache-2.0

package event

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/google/uuid"
)

// NewID returns an event ID: a UUID of version 7, which sorts by time.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// encodingVersion is the first byte of a stored event.
const encodingVersion = 1

// ErrEncoding is returned by Decode for bytes that Append did not write.
var ErrEncoding = errors.New("stored event: unknown encoding")

// Append appends the event as it is stored: a version, then strings with their lengths before them. ReceivedAt is not
// part of it; the inbox, whose clock it is, keeps it beside the event.
func (e *Event) Append(dst []byte) []byte {
	dst = append(dst, encodingVersion)
	for _, s := range []string{e.ID, e.Type, e.Key, e.OrderingKey, e.Verification} {
		dst = appendString(dst, s)
	}
	dst = binary.AppendUvarint(dst, uint64(len(e.Headers)))
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		dst = appendString(dst, name)
		dst = appendString(dst, e.Headers[name])
	}
	return append(dst, e.Body...)
}

// Decode reads what Append wrote. The body shares data's memory.
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
