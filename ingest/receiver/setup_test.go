// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

const (
	token = "t0ken-Zq8xW"
	path  = "/production/rudderstack/" + token
)

// fakeInbox implements the functions of an endpoint. It treats events with the field "seen" as duplicates.
type fakeInbox struct {
	mu         sync.Mutex
	events     []*event.Event // accepted
	duplicates int            // recorded
}

// endpoint returns an endpoint that stores its events in the fake inbox.
func (b *fakeInbox) endpoint(change ...func(*receiver.Endpoint)) *receiver.Endpoint {
	endpoint := &receiver.Endpoint{
		Namespace: "production", Name: "rudderstack", Tokens: []string{"another", token},
		Identify: identify, ReadsHeader: func(string) bool { return true }, Accept: b.accept, RecordDuplicates: b.recordDuplicates,
	}
	for _, change := range change {
		change(endpoint)
	}
	return endpoint
}

func identify(e *event.Event, _ *rawjson.Index) {
	if kind, ok := rawjson.Member(e.Body, "type"); ok {
		e.Type = rawjson.Unquote(kind)
	}
}

func (b *fakeInbox) accept(_ context.Context, events []*event.Event) ([]inbox.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	receipts := make([]inbox.Receipt, len(events))
	for i, e := range events {
		if _, seen := rawjson.Member(e.Body, "seen"); seen {
			receipts[i].Duplicate = true
			continue
		}
		b.events = append(b.events, e)
	}
	return receipts, nil
}

func (b *fakeInbox) recordDuplicates(_ context.Context, _ []*event.Event, receipts []inbox.Receipt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range receipts {
		if r.Duplicate {
			b.duplicates++
		}
	}
}

func (b *fakeInbox) accepted() []*event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}

// acceptFails returns a change of an endpoint that makes Accept return err.
func acceptFails(err error) func(*receiver.Endpoint) {
	return func(e *receiver.Endpoint) {
		e.Accept = func(context.Context, []*event.Event) ([]inbox.Receipt, error) { return nil, err }
	}
}

// serve starts a real server and returns its address.
func serve(t testing.TB, r *receiver.Receiver) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = r.Server()
	server.Listener = r.Listener(server.Listener)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// started returns a receiver with one endpoint.
func started(options receiver.Options, endpoint *receiver.Endpoint) *receiver.Receiver {
	r := receiver.New(options)
	r.SetEndpoints([]*receiver.Endpoint{endpoint})
	return r
}

// sent is a request.
type sent struct {
	method string // default POST
	path   string // default the path of the endpoint
	header http.Header
	body   string
	// chunked sends the body without stating its length.
	chunked bool
}

// answer is the part of a response that tests compare.
type answer struct {
	Status int
	Body   string
}

// send sends one request and returns the answer and its headers.
func send(t testing.TB, address string, s sent) (answer, http.Header) {
	t.Helper()
	var body io.Reader = strings.NewReader(s.body)
	if s.chunked {
		body = io.MultiReader(body)
	}
	request, err := http.NewRequestWithContext(t.Context(), or(s.method, http.MethodPost), "http://"+address+or(s.path, path), body)
	if err != nil {
		t.Fatal(err)
	}
	if s.header != nil {
		request.Header = s.header
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, strings.TrimSuffix(string(got), "\n")}, response.Header
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func check(t testing.TB, want, got answer) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// rejected returns the answer to a rejected request.
func rejected(status int, code, message string) answer {
	return answer{status, `{"error":{"code":"` + code + `","message":"` + message + `"}}`}
}

// zip returns a gzip stream with one member for each text.
func zip(text ...string) string {
	var out bytes.Buffer
	for _, member := range text {
		w := gzip.NewWriter(&out)
		_, _ = w.Write([]byte(member))
		_ = w.Close()
	}
	return out.String()
}

// header returns a header. pairs are NAME, VALUE, NAME, VALUE and so on.
func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}
