// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// gate blocks Accept until the test closes opened. Each call is announced on entered.
type gate struct {
	entered, opened chan struct{}
}

func newGate() gate { return gate{make(chan struct{}, 16), make(chan struct{})} }

func (g gate) accept(ctx context.Context, events []*event.Event) ([]inbox.Receipt, error) {
	g.entered <- struct{}{}
	select {
	case <-g.opened:
		return make([]inbox.Receipt, len(events)), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g gate) hold(e *receiver.Endpoint) { e.Accept = g.accept }

// pad returns an event whose JSON takes size bytes.
func pad(size int) string {
	const start, end = `{"type":"identify","pad":"`, `"}`
	return start + strings.Repeat("x", size-len(start)-len(end)) + end
}

// largeBody is the size limit of a body in bytes. With the smallest MaxMemory for it, two such bodies leave no room for
// a third.
const largeBody = 16 << 10

var busy = rejected(429, "overloaded", "too many requests at the same time; retry later")

func TestRequestsOverTheLimitAreRejectedAtOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		options receiver.Options
		before  int // requests that are being handled when the limit is reached
	}{
		"too many requests": {receiver.Options{MaxInFlight: 1}, 1},
		"too much memory":   {receiver.Options{MaxBody: largeBody, MaxMemory: 1}, 2}, // raised to the minimum
	} {
		t.Run(name, func(t *testing.T) {
			g := newGate()
			address := serve(t, started(tc.options, new(fakeInbox).endpoint(g.hold)))
			first := dial(t, address)
			first.write(t, post(path, pad(largeBody)))
			<-g.entered
			for range tc.before - 1 {
				dial(t, address).write(t, post(path, pad(largeBody)))
				<-g.entered
			}
			for _, s := range []sent{
				{body: pad(largeBody)},
				{body: pad(largeBody), chunked: true},
				{body: zip(pad(largeBody)), header: header("Content-Encoding", "gzip")},
			} {
				got, _ := send(t, address, s)
				check(t, busy, got)
			}
			unknown, _ := send(t, address, sent{path: "/unknown", body: one})
			check(t, rejected(404, "not_found", "no source has this URL"), unknown)

			close(g.opened)
			got, _ := first.read(t)
			check(t, answer{200, `{"accepted":1,"duplicates":0}`}, got)
		})
	}
}

func TestMemoryIsReleasedAfterEachRequest(t *testing.T) {
	address := serve(t, started(receiver.Options{MaxBody: 64, MaxMemory: 1, MaxInFlight: 1}, new(fakeInbox).endpoint()))
	for range 100 {
		got, _ := send(t, address, sent{body: zip(one), header: header("Content-Encoding", "gzip")})
		check(t, answer{200, `{"accepted":1,"duplicates":0}`}, got)
		got, _ = send(t, address, sent{body: strings.Repeat("x", 65), chunked: true})
		check(t, rejected(413, "body_too_large", "the body is larger than 64 bytes"), got)
	}
}

func TestEventsAreAcceptedEvenIfTheSenderDisconnects(t *testing.T) {
	r := started(receiver.Options{}, new(fakeInbox).endpoint(func(e *receiver.Endpoint) {
		e.Accept = func(ctx context.Context, events []*event.Event) ([]inbox.Receipt, error) {
			return make([]inbox.Receipt, len(events)), ctx.Err()
		}
	}))
	disconnected, disconnect := context.WithCancel(t.Context())
	disconnect()
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, httptest.NewRequestWithContext(disconnected, http.MethodPost, path, strings.NewReader(one)))
	check(t, answer{200, `{"accepted":1,"duplicates":0}` + "\n"}, answer{recorder.Code, recorder.Body.String()})
}

func TestAcceptTimeoutGetsStatus429(t *testing.T) {
	g := newGate()
	address := serve(t, started(receiver.Options{AcceptTimeout: 1}, new(fakeInbox).endpoint(g.hold)))
	got, _ := send(t, address, sent{body: one})
	check(t, rejected(429, "unavailable", "events cannot be stored at the moment; retry later"), got)
}

func TestStopLetsRequestsInProgressFinish(t *testing.T) {
	g := newGate()
	r := started(receiver.Options{}, new(fakeInbox).endpoint(g.hold))
	address := serve(t, r)
	active, idle := dial(t, address), dial(t, address)
	idle.write(t, post("/unknown", one))
	idle.read(t)
	active.write(t, post(path, one))
	<-g.entered

	if err := r.Ready(); err != nil {
		t.Error(err)
	}
	r.Stop()
	if err := r.Ready(); err == nil {
		t.Error("Ready returns nil after Stop")
	}
	idle.write(t, post(path, one))
	got, closes := idle.read(t)
	check(t, rejected(503, "stopping", "stopping: send the request again on a new connection"), got)
	if !closes {
		t.Error("the answer does not close the connection")
	}
	close(g.opened)
	got, _ = active.read(t)
	check(t, answer{200, `{"accepted":1,"duplicates":0}`}, got)
}

func TestRequestKeepsTheEndpointThatItStartedWith(t *testing.T) {
	g := newGate()
	r := started(receiver.Options{}, new(fakeInbox).endpoint(g.hold))
	address := serve(t, r)
	active := dial(t, address)
	active.write(t, post(path, one))
	<-g.entered
	r.SetEndpoints(nil)
	got, _ := send(t, address, sent{body: one})
	check(t, rejected(404, "not_found", "no source has this URL"), got)
	close(g.opened)
	got, _ = active.read(t)
	check(t, answer{200, `{"accepted":1,"duplicates":0}`}, got)
}
