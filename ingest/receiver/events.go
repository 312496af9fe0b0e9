// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"errors"
	"net/http"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// parseEvents splits a decompressed body into events and identifies each. The events share the body's memory and the
// headers.
func (r *Receiver) parseEvents(
	route *route, body []byte, headers map[string]string, mark string,
) ([]*event.Event, *rejection) {
	members := &rawjson.Index{}
	bodies, err := event.Split(body, members)
	if tooMany, ok := errors.AsType[*event.TooManyError](err); ok {
		return nil, tooManyEvents(tooMany)
	} else if err != nil {
		return nil, invalidBody(err.Error())
	}
	// Each event is stored with its own copy of the headers, so an array of tiny events could take far more memory than
	// its body.
	if int64(headerSize(headers)*(len(bodies)-1)) > r.options.MaxBody {
		return nil, headersTooLarge(len(bodies))
	}
	events := make([]*event.Event, len(bodies))
	for i, body := range bodies {
		events[i] = &event.Event{ID: event.NewID(), Verification: mark, Headers: headers, Body: body}
		route.Identify(events[i], members)
	}
	return events, nil
}

// storedHeaders returns the headers that expressions read. Doorbell stores them in the form in which expressions read
// them: it converts names to lower case, joins repeated values with ", " and replaces invalid UTF-8. storedHeaders
// omits headers that grant access. It also omits headers that contain a token, because a proxy may copy the URL into a
// header.
func (e *route) storedHeaders(header http.Header) map[string]string {
	if e.ReadsHeader == nil {
		return nil
	}
	headers := map[string]string{}
	for name, values := range header {
		name = strings.ToLower(name)
		if !e.ReadsHeader(name) || e.isCredential(name) {
			continue
		}
		value := strings.ToValidUTF8(strings.Join(values, ", "), "\ufffd")
		if !e.containsToken(value) {
			headers[name] = value
		}
	}
	return headers
}

// isCredential reports whether the header with this lower-case name grants access to something.
func (e *route) isCredential(name string) bool {
	switch name {
	case "authorization", "proxy-authorization", "cookie":
		return true
	default:
		return e.Verification != nil && strings.EqualFold(name, e.Verification.Header)
	}
}

// headerSize returns about how many bytes the headers take in a stored event.
func headerSize(headers map[string]string) int {
	total := 0
	for name, value := range headers {
		total += len(name) + len(value) + 4 // 4 for the encoded lengths
	}
	return total
}

// encodedSize returns about how many bytes the events take when they are encoded for the inbox, which copies their
// bodies.
func encodedSize(events []*event.Event) int64 {
	total := 0
	for _, e := range events {
		total += len(e.Body) + headerSize(e.Headers) + len(e.ID) + len(e.Type) + len(e.Key) + len(e.OrderingKey)
	}
	return int64(total)
}
