// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
)

// Waiting returns the number of requests that wait for the next call to a shard.
func (b *Inbox) Waiting(shard int) int {
	g := &b.shards[shard].accepts
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// WaitingTransitions returns the number of transitions that wait for the next call to a shard.
func (b *Inbox) WaitingTransitions(shard int) int {
	g := &b.shards[shard].transitions
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// UseProcessClock replaces the process's monotonic clock. Without it, a test that replaces Redis's clock replaces both.
func (b *Inbox) UseProcessClock(now func() time.Time) { b.clock.process = now }

// AcceptGroup accepts each event as a request of its own, all in one call to shard 0.
func (b *Inbox) AcceptGroup(ctx context.Context, events []*event.Event) error {
	var group []*acceptRequest
	for _, e := range events {
		group = append(group, b.split([]*event.Event{e}, nil)[0])
	}
	b.accept(ctx, b.shards[0], group)
	for i, r := range group {
		if r.err != nil {
			return r.err
		}
		events[i].ReceivedAt = r.now
	}
	return nil
}

// CompleteGroup completes the events of leases of shard 0, all in one call to Redis.
func (b *Inbox) CompleteGroup(ctx context.Context, leases []*Lease, records [][]byte, room int) error {
	var group []*transition
	for i, l := range leases {
		group = append(group, &transition{name: transitionComplete, lease: l, record: records[i], number: int64(room)})
	}
	b.finishGroup(ctx, b.shards[0], group)
	for _, t := range group {
		if t.err != nil {
			return t.err
		}
	}
	return nil
}
