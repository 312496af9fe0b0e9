// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"slices"
	"strconv"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// redacted replaces a hidden value.
const redacted = "[redacted]"

// Redactor removes sensitive values from entries before they are logged. Its zero value removes nothing. It is safe for concurrent
// use.
type Redactor struct {
	omitPayloads bool
	paths        [][]string
}

// NewRedactor returns a Redactor that hides the values at the given paths of the payload, such as body.traits.email. It ignores
// paths that do not begin with body. If omitPayloads is set, it also removes payloads, request bodies and responses.
//
// Mappings copy values out of the payload, so hiding a value in the payload alone is not enough: an email address that is also the
// user's ID appears in the path of the Knock call, and Knock repeats it in its response. The Redactor therefore collects all
// strings and numbers at the paths and also hides them in request bodies, path segments, queries, responses, reasons, notes and
// keys. Booleans and null are hidden in the payload only, because they reveal nothing elsewhere. In JSON the Redactor compares
// whole values; in text it replaces whole words, so that hiding the age 5 changes "id 5" but not "15".
func NewRedactor(paths []string, omitPayloads bool) *Redactor {
	r := &Redactor{omitPayloads: omitPayloads}
	for _, path := range paths {
		if segments := strings.Split(path, "."); segments[0] == "body" {
			r.paths = append(r.paths, segments[1:])
		}
	}
	return r
}

// Apply returns a redacted copy of the entry; it does not change its argument.
func (r *Redactor) Apply(entry Entry) Entry {
	if len(entry.Payload) > 0 && len(r.paths) > 0 {
		hidden := hiddenValues{}
		payload := r.redactPaths(nil, entry.Payload, nil, hidden)
		entry = hidden.redactEntry(entry)
		entry.Payload = hidden.redactJSON(nil, payload)
	}
	if r.omitPayloads {
		entry = withoutPayloads(entry)
	}
	return entry
}

// redactPaths appends value to dst with the values at the paths replaced, and collects the replaced values in hidden.
func (r *Redactor) redactPaths(dst, value []byte, path []string, hidden hiddenValues) []byte {
	for _, hide := range r.paths {
		if slices.Equal(path, hide) {
			hidden.collect(value)
			return append(dst, rawjson.Quote(redacted)...)
		}
	}
	return rewrite(dst, value, func(dst []byte, segment string, value []byte) []byte {
		return r.redactPaths(dst, value, append(slices.Clip(path), segment), hidden)
	})
}

// rewrite appends value to dst and calls each to write every member or element of it. The bytes of a scalar stay as they are.
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

// withoutPayloads returns a copy of the entry without bodies. It removes responses too, because Knock repeats in them what it was
// sent.
func withoutPayloads(entry Entry) Entry {
	entry.Payload = nil
	entry.Actions = slices.Clone(entry.Actions)
	for i := range entry.Actions {
		action := &entry.Actions[i]
		action.Requests = slices.Clone(action.Requests)
		for j := range action.Requests {
			action.Requests[j].Body, action.Requests[j].Response = nil, ""
		}
	}
	return entry
}
