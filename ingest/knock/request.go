// SPDX-License-Identifier: Apache-2.0

// Package knock calls Knock's API. A request is created once, can be stored as JSON, and is sent byte for byte the same
// at every attempt. The mapping engine creates requests, and the delivery workers send them through a Client, one
// attempt a call. The package must never retry a call or limit the rate of calls: it only provides the facts for these
// decisions.
package knock

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// MaxIdempotencyKey is the maximum length of an idempotency key in characters.
const MaxIdempotencyKey = 255

// Request is one call of Knock's API. The same value always produces the same bytes on the wire, before and after it is
// stored as JSON.
type Request struct {
	Endpoint Endpoint `json:"endpoint"`
	Method   string   `json:"method"`
	// Path begins with /v1/. It is escaped and includes the query.
	Path string `json:"path"`
	// Body is a JSON object without white space between its tokens. It is nil for a call without a body. To store a
	// request, use a json.Encoder with SetEscapeHTML(false): json.Marshal would replace <, > and & in the body by
	// escapes.
	Body json.RawMessage `json:"body,omitempty"`
	// IdempotencyKey is set for triggers only, because Knock ignores it on other calls.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
}

// NewRequest returns a call without a body. The IDs replace the placeholders in the endpoint's path, in order. If an ID
// cannot be part of a path, the error is an *IDError.
func NewRequest(endpoint Endpoint, ids ...string) (Request, error) {
	c, ok := calls[endpoint]
	if !ok {
		return Request{}, fmt.Errorf("unknown endpoint %q", endpoint)
	}
	path, err := fillPath(c.path, ids)
	if err != nil {
		return Request{}, err
	}
	return Request{Endpoint: endpoint, Method: c.method, Path: path}, nil
}

// NewRequestWithBody returns a call with a body, which must be a JSON object. The call has the bytes of the body
// without the white space between its tokens, and may share the memory of body. See NewRequest for the IDs.
func NewRequestWithBody(endpoint Endpoint, body []byte, ids ...string) (Request, error) {
	request, err := NewRequest(endpoint, ids...)
	if err != nil {
		return Request{}, err
	}
	request.Body, err = normalize(body)
	if err != nil {
		return Request{}, fmt.Errorf("%s: request body: %w", endpoint, err)
	}
	return request, nil
}

// WithIdempotencyKey returns the request with an idempotency key of at most MaxIdempotencyKey printable ASCII
// characters without spaces. Knock executes the call once in 24 hours for one key. Without a key it executes the call
// every time.
func (r Request) WithIdempotencyKey(key string) (Request, error) {
	if len(key) > MaxIdempotencyKey || strings.ContainsFunc(key, unprintable) {
		return Request{}, fmt.Errorf("%s: idempotency key %q: must have at most %d printable ASCII characters",
			r.Endpoint, key, MaxIdempotencyKey)
	}
	r.IdempotencyKey = key
	return r, nil
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }

// maxDepth is the deepest nesting of a request body. An event has at most 100 levels, and a mapping adds a few.
const maxDepth = 1000

// normalize returns the body in the form that an encoder of encoding/json gives it without HTML escaping. Storing this
// form as JSON, any number of times, does not change it.
func normalize(body []byte) (json.RawMessage, error) {
	if err := rawjson.Validate(body, maxDepth); err != nil {
		return nil, err
	}
	body = rawjson.Compact(body)
	if rawjson.KindOf(body) != rawjson.Object {
		return nil, errors.New("not a JSON object")
	}
	return body, nil
}
