// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"slices"
	"strconv"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// redacted stands where a value was.
const redacted = "[redacted]"

// Redactor hides from entries what the source does not want in its log. Its zero value hides nothing.
type Redactor struct {
	omitPayloads bool
	paths        [][]string
}

// NewRedactor takes paths such as body.traits.email; omitPayloads leaves out payloads and request bodies whole.
//
// What stands in the payload at a path is hidden. So are, where it holds strings and numbers, these values in request bodies, path
// segments, response excerpts, reasons, notes and keys: the log must not tell by another way.
func NewRedactor(paths []string, omitPayloads bool) *Redactor {
	r := &Redactor{omitPayloads: omitPayloads}
	for _, path := range paths {
		if segments := strings.Split(path, "."); segments[0] == "body" {
			r.paths = append(r.paths, segments[1:])
		}
	}
	return r
}

// Encode is the record of the entry after Apply.
func (r *Redactor) Encode(entry Entry) ([]byte, error) { return Encode(r.Apply(entry)) }

// Apply returns the entry as it may be logged; it does not change its argument.
func (r *Redactor) Apply(entry Entry) Entry {
	if len(entry.Payload) > 0 && len(r.paths) > 0 {
		hidden := secrets{}
		payload := r.payload(nil, entry.Payload, nil, hidden)
		entry = hidden.entry(entry)
		entry.Payload = hidden.json(nil, payload)
	}
	if r.omitPayloads {
		entry = withoutPayloads(entry)
	}
	return entry
}

// payload appends value without what stands at the paths, and collects what that was.
func (r *Redactor) payload(dst, value []byte, path []string, hidden secrets) []byte {
	for _, hide := range r.paths {
		if slices.Equal(path, hide) {
			hidden.collect(value)
			return append(dst, rawjson.Quote(redacted)...)
		}
	}
	return rewrite(dst, value, func(dst []byte, segment string, value []byte) []byte {
		return r.payload(dst, value, append(slices.Clip(path), segment), hidden)
	})
}

// rewrite appends a value in which each writes the members or elements; a scalar keeps its bytes.
func rewrite(dst, value []byte, each func(dst []byte, segment string, value []byte) []byte) []byte {
	switch rawjson.KindOf(value) {
	case rawjson.Object:
		dst = append(dst, '{')
		first := true
		for key, member := range rawjson.Members(value) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(append(dst, key...), ':')
			dst = each(dst, rawjson.Unquote(key), member)
		}
		return append(dst, '}')
	case rawjson.Array:
		dst = append(dst, '[')
		i := 0
		for element := range rawjson.Elements(value) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = each(dst, strconv.Itoa(i), element)
			i++
		}
		return append(dst, ']')
	default:
		return append(dst, value...)
	}
}

func withoutPayloads(entry Entry) Entry {
	entry.Payload = nil
	entry.Actions = slices.Clone(entry.Actions)
	for i := range entry.Actions {
		action := &entry.Actions[i]
		action.Requests = slices.Clone(action.Requests)
		for j := range action.Requests {
			action.Requests[j].Body, action.Requests[j].Response = nil, "" // Knock's answers repeat what it was sent
		}
	}
	return entry
}
