// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// clock replaces the clock of Redis. The test advances it.
type clock struct{ ms atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ms.Store(1_750_000_000_000)
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()).UTC() }
func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// expireSets lets the dedupe sets of an inbox expire as if Redis's own clock had advanced, which a test cannot replace.
func expireSets(t testing.TB, client rueidis.Client, space keyspace.Space, by time.Duration) {
	t.Helper()
	for shard := range space.Shards() {
		sets, err := client.Do(t.Context(), client.B().Keys().Pattern(space.Shard(shard).DedupeSets()+"*").Build()).AsStrSlice()
		ok(t, err)
		for _, set := range sets {
			left, err := client.Do(t.Context(), client.B().Pttl().Key(set).Build()).AsInt64()
			ok(t, err)
			ok(t, client.Do(t.Context(), client.B().Pexpire().Key(set).Milliseconds(left-by.Milliseconds()).Build()).Error())
		}
	}
}

const (
	window = inboxtest.Window
	bucket = window / 8 // length of a bucket of the dedupe window
	lease  = 30 * time.Second
)

var ids atomic.Int64

// newEvent returns an event of a user with a new ID. An empty key means that the event has no idempotency key.
func newEvent(user, key string) *event.Event {
	return &event.Event{
		ID: fmt.Sprintf("%08x", ids.Add(1)), Type: "track/Order Completed", Key: key, OrderingKey: user,
		Body: []byte(`{"a": 1.0}`),
	}
}

func accept(t testing.TB, b *inbox.Inbox, events ...*event.Event) []inbox.Receipt {
	t.Helper()
	receipts, err := b.Accept(t.Context(), events, nil)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	return receipts
}

// claim claims all due lanes of shard 0.
func claim(t testing.TB, b *inbox.Inbox) inbox.Claimed {
	t.Helper()
	claimed, err := b.Claim(t.Context(), 0, 100, 0)
	if err != nil {
		t.Fatalf("claim: %v", err)
	}
	return claimed
}

// claimOne claims the only due lane of shard 0. The test fails unless exactly one lane is due.
func claimOne(t testing.TB, b *inbox.Inbox) *inbox.Lease {
	t.Helper()
	claimed := claim(t, b)
	if len(claimed.Leases) != 1 {
		t.Fatalf("claimed %d lanes; want 1", len(claimed.Leases))
	}
	return claimed.Leases[0]
}

func depth(t testing.TB, b *inbox.Inbox) int64 {
	t.Helper()
	n, err := b.Depth(t.Context())
	if err != nil {
		t.Fatalf("depth: %v", err)
	}
	return n
}

// ok fails the test if err is not nil.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// complete completes a leased event. It fails the test if Complete returns another lease. The next event of the lane is
// due at once.
func complete(t testing.TB, b *inbox.Inbox, lease *inbox.Lease, record []byte) {
	t.Helper()
	if next, err := b.Complete(t.Context(), lease, record, 0); next != nil || err != nil {
		t.Fatalf("complete: %+v, %v", next, err)
	}
}
