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

// Redactor removes sensitive values from entries before they are logged. Its zero value removes nothing. It is safe for
// concurrent use.
type Redactor struct {
	omitPayloads bool
	paths        [][]string
}

// NewRedactor returns a Redactor that hides the values at the given paths of the payload, such as body.traits.email. It
// ignores paths that do not begin with body. If omitPayloads is set, it also removes payloads, request bodies and
// responses.
//
// Mappings copy values out of the payload, so hiding a value in the payload alone is not enough: an email address that
// is also the user's ID appears in the path of the Knock call, and Knock repeats it in its response. The Redactor
// therefore collects all strings and numbers at the paths and also hides them in request bodies, path segments,
// queries, responses, reasons, notes, keys and the event type. Booleans and null are hidden in the payload only, because they reveal
// nothing elsewhere. In JSON the Redactor compares whole values; in text it replaces whole words, so that hiding the
// age 5 changes "id 5" but not "15".
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
		hidden, payload := hiddenValues{}, rawjson.Trim(entry.Payload)
		payload = redactPaths(make([]byte, 0, len(payload)+len(payload)/8), payload, r.paths, hidden)
		entry = hidden.redactEntry(entry)
		entry.Payload = hidden.redactJSON(nil, payload)
	}
	if r.omitPayloads {
		entry = withoutPayloads(entry)
	}
	return entry
}

// redactPaths appends value to dst with the values at the paths replaced, and collects the replaced values in hidden.
// The paths are relative to value.
func redactPaths(dst, value []byte, paths [][]string, hidden hiddenValues) []byte {
	if slices.ContainsFunc(paths, func(path []string) bool { return len(path) == 0 }) {
		hidden.collect(value)
		return rawjson.AppendQuote(dst, redacted)
	}
	return rewrite(dst, value, func(dst []byte, segment string, value []byte) []byte {
		var inside [][]string
		for _, path := range paths {
			if path[0] == segment {
				inside = append(inside, path[1:])
			}
		}
		if len(inside) == 0 {
			return append(dst, value...)
		}
		return redactPaths(dst, value, inside, hidden)
	})
}

// rewrite appends value to dst. For every member or element it calls each, which appends the new value. rewrite copies
// all other bytes, including white space, unchanged.
func rewrite(dst, value []byte, each func(dst []byte, segment string, value []byte) []byte) []byte {
	copied := 0 // the number of bytes of value that are in dst
	replace := func(segment string, part []byte) {
		start := cap(value) - cap(part) // the offset of part, because part is a slice of value without a capacity limit
		dst = each(append(dst, value[copied:start]...), segment, part)
		copied = start + len(part)
	}
	switch rawjson.KindOf(value) {
	case rawjson.Object:
		for key, member := range rawjson.Members(value) {
			replace(rawjson.Unquote(key), member)
		}
	case rawjson.Array:
		i := 0
		for element := range rawjson.Elements(value) {
			replace(strconv.Itoa(i), element)
			i++
		}
	default: // a scalar has no parts
	}
	return append(dst, value[copied:]...)
}

// withoutPayloads returns a copy of the entry without payload, request bodies and responses. A response can repeat
// parts of its request.
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
