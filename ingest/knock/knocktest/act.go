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

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func (r *request) endpoint() knock.Endpoint {
	if r.route == nil {
		return ""
	}
	return r.route.endpoint
}

// act checks the request, and does what it says.
func (k *Knock) act(r request, seq int) *Answer {
	k.lock.Lock()
	defer k.lock.Unlock()
	parsed, refused := k.check(r)
	if refused != nil {
		return refused.answer()
	}
	fingerprint := fmt.Sprintf("%s %x", r.RequestURI, sha256.Sum256(r.body))
	again, refused := k.world.replayed(parsed.key, fingerprint)
	if refused != nil {
		return refused.answer()
	}
	if again != nil {
		return again
	}
	view, refused := r.route.act(&k.world, parsed)
	if refused != nil {
		return refused.answer()
	}
	answer := Answer{Status: r.route.status}
	if view != nil {
		answer.Body = encode(view)
	}
	k.world.remember(parsed.key, fingerprint, requestID(seq), answer)
	if k.history > 0 {
		k.world.Runs = k.world.Runs[max(0, len(k.world.Runs)-k.history):]
	}
	return &answer
}

// check applies the checks in order, and returns the call.
func (k *Knock) check(r request) (*call, *refusal) {
	if r.refused != nil {
		return nil, r.refused
	}
	if refused := k.authenticate(r.Header.Get("Authorization")); refused != nil {
		return nil, refused
	}
	if k.limited {
		if refused := k.world.admit(r.route.endpoint, r.route.rate); refused != nil {
			return nil, refused
		}
	}
	query, refused := r.checkQuery()
	if refused != nil {
		return nil, refused
	}
	values, refused := r.checkBody()
	if refused != nil {
		return nil, refused
	}
	parsed := &call{ids: r.ids, query: query, body: values}
	if r.route.endpoint == knock.TriggerWorkflow { // Knock ignores the key elsewhere
		parsed.key = r.Header.Get("Idempotency-Key")
	}
	if len(parsed.key) > maxKey {
		return nil, malformed("the idempotency key has more than 255 characters")
	}
	return parsed, nil
}

func (k *Knock) authenticate(header string) *refusal {
	wanted := "Bearer " + k.apiKey
	switch {
	case header == "":
		return &refusal{status: http.StatusUnauthorized, Code: "api_key_missing", Message: "there is no API key"}
	case subtle.ConstantTimeCompare([]byte(header), []byte(wanted)) == 0:
		return &refusal{status: http.StatusUnauthorized, Code: "authentication_required", Message: "the API key is not valid"}
	default:
		return nil
	}
}

func (r *request) checkQuery() (url.Values, *refusal) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed("the query cannot be read")
	}
	for name, values := range query {
		if !slices.Contains(r.route.query, name) {
			return nil, invalid(wrong(name, "is no parameter of this call"))
		}
		if len(values) != 1 || values[0] != "true" && values[0] != "false" {
			return nil, invalid(wrong(name, "must be true or false"))
		}
	}
	return query, nil
}

// checkBody reads the body, with numbers kept, and applies the call's schema.
func (r *request) checkBody() (map[string]any, *refusal) {
	if r.route.body == nil {
		if len(r.body) > 0 {
			return nil, malformed("this call takes no body")
		}
		return nil, nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, &refusal{status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Message: "send application/json"}
	}
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, malformed("the body is not JSON: " + err.Error())
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
	_, _ = io.WriteString(w, answer.Body) // the caller may have gone away
}
