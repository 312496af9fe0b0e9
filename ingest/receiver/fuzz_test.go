// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// FuzzEveryRequestGetsADocumentedResponse checks that the response has one of the documented status codes, that it is
// JSON, and that the token appears neither in the response nor in the event.
func FuzzEveryRequestGetsADocumentedResponse(f *testing.F) {
	f.Add("POST", path, "Content-Type", "application/json", false, []byte(one))
	f.Add("POST", path, "Content-Encoding", "gzip", false, []byte(zip(one)))
	f.Add("PUT", path, "Content-Encoding", "gzip, identity", true, []byte(zip(one)+zip(" ")))
	f.Add("POST", path, "X-Signature", "sha256="+sign(one), true, []byte(one))
	f.Add("PATCH", path, "Referer", "https://example.com"+path, false, []byte("["+one+","+one+"]"))
	f.Add("GET", "/production/%72udderstack/"+token, "Expect", "100-continue", true, []byte(nil))
	f.Add("POST", path+"?a", "Cookie", "\xff", false, []byte(`{"type":"x","seen":1}`))
	f.Add("POST", "//x/y/z", "", "", false, []byte("{}"))
	statuses := []int{200, 400, 401, 404, 405, 413, 415}
	f.Fuzz(func(t *testing.T, method, target, name, value string, verify bool, body []byte) {
		b := new(fakeInbox)
		r := started(receiver.Options{MaxBody: 1 << 16}, b.endpoint(func(e *receiver.Endpoint) {
			if verify {
				e.Verification = &document.Verification{
					Scheme: document.SchemeHMAC, Header: "x-signature", Encoding: "Hex", Prefix: "sha256=", Enforce: true,
				}
				e.Secrets = []string{"secret"}
			}
		}))
		request := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		request.Method, request.Header = method, http.Header{http.CanonicalHeaderKey(name): {value}}
		request.URL.RawPath, request.URL.Path, _ = strings.Cut(target, "?")
		if plain, err := request.URL.Parse(target); err == nil {
			request.URL = plain
		}
		recorder := httptest.NewRecorder()
		r.ServeHTTP(recorder, request)

		got := recorder.Body.String()
		if !slices.Contains(statuses, recorder.Code) || !json.Valid([]byte(got)) || strings.Contains(got, token) {
			t.Fatalf("answered %d %s", recorder.Code, got)
		}
		if accepted := b.accepted(); (recorder.Code == http.StatusOK) == (len(accepted) == 0 && !strings.Contains(got, `"accepted":0`)) {
			t.Fatalf("answered %d %s after accepting %d", recorder.Code, got, len(accepted))
		}
		for _, e := range b.accepted() {
			for name, value := range e.Headers {
				if name == "cookie" || name == "authorization" || name == "x-signature" && verify || strings.Contains(value, token) {
					t.Fatalf("the event has the header %q: %q", name, value)
				}
			}
		}
	})
}
