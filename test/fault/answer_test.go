// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// answer is the part of an HTTP response that a sender reads. Body is set for a 200, and Code for every other status.
type answer struct {
	Status     int
	Code, Body string
	Allow      string
}

func TestTheReceiverAnswersEachKindOfRequest(t *testing.T) {
	t.Parallel()
	s := newDevFixture(t)
	s.write("source.yaml", sourceManifest+verificationManifest)
	s.write("secret.yaml", keyManifest("sk_test_unused")+"  sender: "+senderSecret+"\n")
	p := s.start()

	one := order("u_1", 1)
	packed := http.Header{"X-Sender": {senderSecret}, "Content-Encoding": {"gzip"}}
	many := "[" + strings.TrimSuffix(strings.Repeat("{},", 1001), ",") + "]"
	deep := strings.Repeat(`{"a":`, 101) + "1" + strings.Repeat("}", 101)
	big := `{"type":"` + strings.Repeat("x", layout.MaxBody) + `"}`
	ok := func(accepted, duplicates int) answer {
		return answer{Status: 200, Body: fmt.Sprintf("{\"accepted\":%d,\"duplicates\":%d}\n", accepted, duplicates)}
	}
	rejected := func(status int, code string) answer { return answer{Status: status, Code: code} }
	tests := []struct {
		name   string
		method string // POST if empty
		suffix string // added to the URL
		header http.Header
		body   string
		want   answer
	}{
		{name: "an event is accepted", body: one, want: ok(1, 0)},
		{name: "a repeated event is a duplicate", body: one, want: ok(0, 1)},
		{name: "an array is accepted, with its duplicates", body: "[" + one + "," + order("u_1", 2) + "," + order("u_1", 2) + "]", want: ok(1, 2)},
		{name: "PUT is accepted", method: http.MethodPut, body: order("u_1", 3), want: ok(1, 0)},
		{name: "PATCH is accepted", method: http.MethodPatch, body: order("u_1", 4), want: ok(1, 0)},
		{name: "gzip is accepted", header: packed, body: compressed(order("u_1", 5)), want: ok(1, 0)},
		{name: "a body that is not JSON", body: "hello", want: rejected(400, "invalid_body")},
		{name: "an empty body", want: rejected(400, "invalid_body")},
		{name: "an empty array", body: "[]", want: rejected(400, "invalid_body")},
		{name: "an array with an element that is not an object", body: "[" + order("u_1", 6) + ",7]", want: rejected(400, "invalid_body")},
		{name: "text after the JSON", body: one + "x", want: rejected(400, "invalid_body")},
		{name: "more than 100 levels", body: deep, want: rejected(400, "invalid_body")},
		{name: "an event without a type is accepted", body: `{"userId":"u_1"}`, want: ok(1, 0)},
		{name: "a sender that fails the verification", header: http.Header{"X-Sender": {"guess"}}, body: one, want: rejected(401, "unauthorized")},
		{name: "another token", suffix: "x", body: one, want: rejected(404, "not_found")},
		{name: "GET", method: http.MethodGet, want: answer{Status: 405, Code: "method_not_allowed", Allow: "POST, PUT, PATCH"}},
		{name: "DELETE", method: http.MethodDelete, want: answer{Status: 405, Code: "method_not_allowed", Allow: "POST, PUT, PATCH"}},
		{name: "a body over the limit", body: big, want: rejected(413, "body_too_large")},
		{name: "a body over the limit after decompression", header: packed, body: compressed(big), want: rejected(413, "body_too_large")},
		{name: "more than 1,000 events", body: many, want: rejected(413, "too_many_events")},
		{
			name: "an unknown content encoding", header: http.Header{"X-Sender": {senderSecret}, "Content-Encoding": {"br"}},
			body: one, want: rejected(415, "unsupported_encoding"),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			header := test.header
			if header == nil {
				header = http.Header{"X-Sender": {senderSecret}}
			}
			got := ask(t, test.method, p.url+test.suffix, header, test.body)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("a request whose body does not arrive within 10 s", func(t *testing.T) { slowRequest(t, p.url) })
	s.redis.Kill()
	got := ask(t, "", p.url, http.Header{"X-Sender": {senderSecret}}, order("u_1", 7))
	if diff := cmp.Diff(rejected(429, "unavailable"), got); diff != "" {
		t.Errorf("without Redis (-want +got):\n%s", diff)
	}
}

// ask sends a request, POST unless a method is given, and returns the answer.
func ask(t *testing.T, method, url string, header http.Header, body string) answer {
	t.Helper()
	if method == "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultTransport.RoundTrip(request) // http.Client would follow a redirect, which the receiver must never send
	if err != nil {
		t.Fatal(err)
	}
	return read(t, response)
}

func read(t *testing.T, response *http.Response) answer {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{Status: response.StatusCode, Allow: response.Header.Get("Allow")}
	if response.StatusCode == http.StatusOK {
		got.Body = string(body)
		return got
	}
	var rejection struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal(body, &rejection); err != nil || rejection.Error.Message == "" {
		t.Errorf("the body is not an error: %s", body)
	}
	got.Code = rejection.Error.Code
	return got
}

// compressed returns the text in gzip format.
func compressed(text string) string {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = w.Write([]byte(text)) // writing to memory does not fail
	_ = w.Close()
	return packed.String()
}

// slowRequest sends the headers of a request and only the beginning of its body.
func slowRequest(t *testing.T, to string) {
	at, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	began := time.Now()
	fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: %s\r\nX-Sender: %s\r\nContent-Length: 99\r\n\r\n{", at.Path, at.Host, senderSecret)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(answer{Status: 408, Code: "incomplete_request"}, read(t, response)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if took := time.Since(began); took < 9*time.Second || took > 13*time.Second {
		t.Errorf("the answer took %v; want 10 s", took)
	}
}
