// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func (r *request) endpoint() knock.Endpoint {
	if r.route == nil {
		return ""
	}
	return r.route.endpoint
}

// execute checks the request, applies it to the store, and returns the response.
func (k *Knock) execute(r request, seq int) *Answer {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.store.completeDue()
	parsed, rejected := k.check(r)
	if rejected != nil {
		return rejected.answer()
	}
	fingerprint := fmt.Sprintf("%s %x", r.RequestURI, sha256.Sum256(r.body))
	again, rejected := k.store.findReplay(parsed.key, fingerprint)
	if rejected != nil {
		return rejected.answer()
	}
	if again != nil {
		return again
	}
	view, rejected := r.route.act(&k.store, parsed)
	if rejected != nil {
		return rejected.answer()
	}
	answer := Answer{Status: r.route.status, Header: parsed.header}
	if view != nil {
		answer.Body = encode(view)
	}
	k.store.remember(parsed.key, fingerprint, requestID(seq), answer)
	if k.history > 0 {
		k.store.Runs = k.store.Runs[max(0, len(k.store.Runs)-k.history):]
	}
	return &answer
}

// check runs Knock's checks in their order and returns the call.
func (k *Knock) check(r request) (*call, *rejection) {
	if r.rejected != nil {
		return nil, r.rejected
	}
	if rejected := k.authenticate(r.Header.Get("Authorization")); rejected != nil {
		return nil, rejected
	}
	if k.limited {
		if rejected := k.store.admit(r.route.endpoint, r.route.rate); rejected != nil {
			return nil, rejected
		}
	}
	query, rejected := r.checkQuery()
	if rejected != nil {
		return nil, rejected
	}
	values, rejected := r.checkBody()
	if rejected != nil {
		return nil, rejected
	}
	parsed := &call{ids: r.ids, query: query, body: values}
	if r.route.endpoint == knock.TriggerWorkflow { // Knock ignores the key on other calls
		parsed.key = r.Header.Get("Idempotency-Key")
	}
	if len(parsed.key) > maxKey {
		return nil, malformed("the idempotency key has more than 255 characters")
	}
	return parsed, nil
}

func (k *Knock) authenticate(header string) *rejection {
	wanted := "Bearer " + k.apiKey
	switch {
	case header == "":
		return &rejection{status: http.StatusUnauthorized, Code: "api_key_missing", Message: "the request has no API key"}
	case subtle.ConstantTimeCompare([]byte(header), []byte(wanted)) == 0:
		return &rejection{status: http.StatusUnauthorized, Code: "authentication_required", Message: "the API key is invalid"}
	default:
		return nil
	}
}

func (r *request) checkQuery() (url.Values, *rejection) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed("the query is malformed")
	}
	for name, values := range query {
		if !slices.Contains(r.route.query, name) {
			return nil, invalid(wrong(name, "is not a parameter of this call"))
		}
		if len(values) != 1 || values[0] != "true" && values[0] != "false" {
			return nil, invalid(wrong(name, "must be true or false"))
		}
	}
	return query, nil
}

// checkBody decodes the body and checks it against the schema of the call. Numbers are json.Number.
func (r *request) checkBody() (map[string]any, *rejection) {
	if r.route.body == nil {
		if len(r.body) > 0 {
			return nil, malformed("this call must not have a body")
		}
		return nil, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, &rejection{status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Message: "the content type must be application/json"}
	}
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, malformed("the body is not valid JSON: " + err.Error())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("the body is more than one JSON value")
	}
	if problems := r.route.body.check("", value); problems != nil {
		return nil, invalid(problems)
	}
	values, _ := value.(map[string]any)
	return values, nil
}

func requestID(seq int) string { return fmt.Sprintf("request-%d", seq) }

func write(w http.ResponseWriter, seq int, answer *Answer) {
	w.Header().Set("X-Request-Id", requestID(seq))
	if answer.Body != "" {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.Status)
	_, _ = io.WriteString(w, answer.Body) // the client may have closed the connection
}

// rejection is a response with a status of 400 or above, in the format of Knock's errors.
type rejection struct {
	status  int
	header  map[string]string
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Errors  []problem `json:"errors,omitempty"`
}

func notFound(message string) *rejection {
	return &rejection{status: http.StatusNotFound, Code: "resource_missing", Message: message}
}

func invalid(problems []problem) *rejection {
	return &rejection{
		status: http.StatusUnprocessableEntity, Code: "invalid_params", Message: "the parameters are invalid", Errors: problems,
	}
}

func malformed(message string) *rejection {
	return &rejection{status: http.StatusBadRequest, Code: "invalid_request", Message: message}
}

// answer returns the rejection as a response.
func (r *rejection) answer() *Answer {
	kind := "invalid_request_error"
	if r.status == http.StatusUnauthorized {
		kind = "authentication_error"
	}
	type plain rejection // without the methods, which JSON does not need
	return &Answer{Status: r.status, Header: r.header, Body: encode(struct {
		*plain
		Status int    `json:"status"`
		Type   string `json:"type"`
	}{(*plain)(r), r.status, kind})}
}

// encode returns a value as JSON. It does not escape <, > and &.
func encode(value any) string {
	var encoded strings.Builder
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(fmt.Sprintf("knocktest: %v", err)) // impossible: the values came from JSON
	}
	return strings.TrimSuffix(encoded.String(), "\n")
}
