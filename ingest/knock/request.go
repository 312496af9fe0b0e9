// SPDX-License-Identifier: Apache-2.0

// Package knock calls Knock's API: one constructor a call, which makes a request that can be stored and sent again byte
// for byte, and a client that makes one attempt. It decides nothing about retries or rates; it says what the caller
// needs to know to decide.
package knock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// Request is one call, frozen: the same value makes the same bytes on the wire, before and after it was stored as JSON.
type Request struct {
	// Endpoint groups the calls that share a rate limit.
	Endpoint document.ActionName `json:"endpoint"`
	Method   string              `json:"method"`
	// Path begins with /v1/, is escaped and includes the query.
	Path string `json:"path"`
	// Body is a JSON object as json.Marshal writes it, or nil for a call that has none.
	Body json.RawMessage `json:"body,omitempty"`
	// IdempotencyKey is set on triggers only: Knock ignores it elsewhere.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
}

// newRequest makes a call without a body, unless an ID in its path is unusable.
func newRequest(endpoint document.ActionName, method string, path ...segment) (Request, error) {
	joined, err := join(path)
	if err != nil {
		return Request{}, err
	}
	return Request{Endpoint: endpoint, Method: method, Path: joined}, nil
}

// newRequestBody makes a call whose body is a JSON object.
func newRequestBody(endpoint document.ActionName, method string, body []byte, path ...segment) (Request, error) {
	request, err := newRequest(endpoint, method, path...)
	if err != nil {
		return Request{}, err
	}
	request.Body, err = freeze(body)
	if err != nil {
		return Request{}, fmt.Errorf("%s: body: %w", endpoint, err)
	}
	return request, nil
}

// freeze gives the body the one form that storing it as JSON, any number of times, does not change.
func freeze(body []byte) (json.RawMessage, error) {
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, errors.New("not a JSON object")
	}
	return json.Marshal(json.RawMessage(body))
}
