// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

func TestRequestBecomesEventsWithoutItsCredentials(t *testing.T) {
	b := new(fakeInbox)
	address := serve(t, started(receiver.Options{}, b.endpoint(func(e *receiver.Endpoint) {
		e.Verification = &document.Verification{Scheme: document.SchemeHeader, Header: "x-key", Enforce: true}
		e.Secrets, e.Tokens = []string{"secret"}, append(e.Tokens, "")
	})))
	send(t, address, sent{
		body: "\ufeff [" + `{"type":"identify", "n":9007199254740993 }, {"type":"track"}` + "]",
		header: header(
			"User-Agent", "RudderLabs", "X-Two", "1", "X-Two", "2", "X-Latin", "caf\xe9", "X-Empty", "",
			"X-Key", "secret", "Authorization", "Basic eDp5", "Proxy-Authorization", "Basic eDp5", "Cookie", "a=b",
			"X-Original-Uri", path, "X-Rotated", "?t=another",
		),
	})
	headers := map[string]string{
		"accept-encoding": "gzip", "content-length": "66",
		"user-agent": "RudderLabs", "x-two": "1, 2", "x-latin": "caf\ufffd", "x-empty": "",
	}
	want := []*event.Event{
		{Type: "identify", Headers: headers, Body: []byte(`{"type":"identify", "n":9007199254740993 }`)},
		{Type: "track", Headers: headers, Body: []byte(`{"type":"track"}`)},
	}
	got := b.accepted()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(event.Event{}, "ID")); diff != "" {
		t.Error(diff)
	}
	if len(got) == 2 && (got[0].ID == "" || got[0].ID >= got[1].ID) {
		t.Errorf("IDs %q and %q", got[0].ID, got[1].ID)
	}
}

func TestOnlyHeadersThatAnExpressionReadsAreStored(t *testing.T) {
	b := new(fakeInbox)
	address := serve(t, started(receiver.Options{}, b.endpoint(func(e *receiver.Endpoint) {
		e.ReadsHeader = func(name string) bool { return name == "x-two" || name == "authorization" }
	})))
	send(t, address, sent{body: one, header: header("User-Agent", "RudderLabs", "X-Two", "1", "X-Two", "2", "Authorization", "Basic eDp5")})
	for _, e := range b.accepted() {
		if diff := cmp.Diff(map[string]string{"x-two": "1, 2"}, e.Headers); diff != "" {
			t.Error(diff)
		}
	}
}
