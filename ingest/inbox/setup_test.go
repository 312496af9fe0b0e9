// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// onEach runs a test on a real Redis and on the embedded one of doorbell dev.
func onEach(t *testing.T, test func(t *testing.T, client rueidis.Client)) {
	t.Run("on Redis", func(t *testing.T) { test(t, redistest.Start(t).Client(t)) })
	t.Run("on miniredis", func(t *testing.T) {
		client, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{miniredis.RunT(t).Addr()}, DisableCache: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		test(t, client)
	})
}

// clock is a Redis clock that the test moves.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(1_750_000_000_000)
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

const (
	window = 24 * time.Hour
	lease  = 30 * time.Second
)

func open(t testing.TB, client rueidis.Client, options inbox.Options) *inbox.Inbox {
	t.Helper()
	if options.Limits.Window == 0 {
		options.Limits.Window = window
	}
	if options.Limits.Log.MaxEvents == 0 {
		options.Limits.Log = eventlog.Limits{MaxEvents: 1000, Retention: 7 * 24 * time.Hour}
	}
	b, err := inbox.Open(t.Context(), client, "production/rudderstack", options)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var ids atomic.Int64

// keyed is an event of a user, with an idempotency key or, if that is empty, without.
func keyed(user, key string) *event.Event {
	return &event.Event{
		ID: fmt.Sprintf("%08x", ids.Add(1)), Type: "track/Order Completed", Key: key, OrderingKey: user,
		Body: []byte(`{"a": 1.0}`),
	}
}

func accept(t testing.TB, b *inbox.Inbox, events ...*event.Event) []inbox.Receipt {
	t.Helper()
	receipts, err := b.Accept(t.Context(), events)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	return receipts
}

func claim(t testing.TB, b *inbox.Inbox) inbox.Claimed {
	t.Helper()
	claimed, err := b.Claim(t.Context(), 0, 100)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	return claimed
}

// claimOne claims when exactly one lane is due.
func claimOne(t testing.TB, b *inbox.Inbox) *inbox.Claim {
	t.Helper()
	claimed := claim(t, b)
	if len(claimed.Claims) != 1 {
		t.Fatalf("claimed %d lanes; want 1", len(claimed.Claims))
	}
	return claimed.Claims[0]
}

func depth(t testing.TB, b *inbox.Inbox) int64 {
	t.Helper()
	n, err := b.Depth(t.Context())
	if err != nil {
		t.Fatalf("depth: %v", err)
	}
	return n
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
