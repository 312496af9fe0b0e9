// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// Receipt is the outcome of Accept for one event.
type Receipt struct {
	// Duplicate reports whether an event with the same type and key is unfinished or in the dedupe window. Accept did not store
	// this one.
	Duplicate bool
	// DuplicateOf is the ID of the earlier event. It is empty when that event is finished.
	DuplicateOf string
	// Unmapped reports whether Accept has finished the event, because no mapping wants it.
	Unmapped bool
	// ReceivedAt is the time of the decision by the shard's clock, in whole milliseconds.
	ReceivedAt time.Time
}

// Accept stores events in order and sets their ReceivedAt unless they are duplicates. When it returns nil, every event is durable, a
// duplicate or unmapped.
//
// unmapped, if not nil, reports whether no mapping wants an event. Accept finishes such an event at once: it remembers the event's
// key for the dedupe window and stores nothing else. Duplicates of it are recognized as usual.
//
// On *FullError Accept stored none of the events of the shard that is full; a source with one shard stores all of them or none.
// On any other error, including the error of ctx, Accept may have stored some or all events, and the sender must send them again:
// only Redis knows whether a call without a reply was executed. Accept never repeats such a call, because an event without an
// idempotency key would be stored twice. Accept returns soon after ctx has ended, and within four seconds of its last call to Redis.
//
// Concurrent calls share round trips to Redis; see groupCommit.
func (b *Inbox) Accept(ctx context.Context, events []*event.Event, unmapped func(*event.Event) bool) ([]Receipt, error) {
	receipts := make([]Receipt, len(events))
	for i, r := range b.split(events, unmapped) {
		if r == nil {
			continue
		}
		if err := b.shards[i].accepts.commit(ctx, r); err != nil {
			return nil, err
		}
		if r.err != nil {
			return nil, r.err
		}
		if err := r.applyReplies(receipts); err != nil {
			return nil, err
		}
	}
	return receipts, nil
}

// LaneDue returns a channel that receives a value after this process has made a lane of the shard due, by accepting, finishing or
// retrying an event. One value can stand for several lanes.
func (b *Inbox) LaneDue(shard int) <-chan struct{} { return b.shards[shard].laneDue }

// acceptRequest is the part of one call of Accept that belongs to one shard.
type acceptRequest struct {
	events []candidate
	bytes  int

	replies []string // for each event
	now     time.Time
	err     error
}

// candidate is one event that Accept has been given, and what the script needs to know about it.
type candidate struct {
	event       *event.Event
	position    int // among the events that Accept has been given
	lane        string
	fingerprint keyspace.Fingerprint // zero if the event has no key
	encoded     []byte               // nil if the event is unmapped
}

func (r *acceptRequest) size() (events, bytes int) { return len(r.events), r.bytes }
func (r *acceptRequest) excludes() string          { return "" }
func (r *acceptRequest) fail(err error)            { r.err = err }

// split returns a request for each shard that has events, and nil for the others.
func (b *Inbox) split(events []*event.Event, unmapped func(*event.Event) bool) []*acceptRequest {
	requests := make([]*acceptRequest, len(b.shards))
	for i, e := range events {
		lane := b.space.Lane(e.OrderingKey)
		c := candidate{event: e, position: i, lane: lane.Name}
		if unmapped == nil || !unmapped(e) {
			c.encoded = e.Append(nil)
		}
		if e.Key != "" {
			c.fingerprint = b.space.Fingerprint(e.Type, e.Key)
		}
		if requests[lane.Shard] == nil {
			requests[lane.Shard] = &acceptRequest{}
		}
		r := requests[lane.Shard]
		r.events, r.bytes = append(r.events, c), r.bytes+len(c.encoded)
	}
	return requests
}

// applyReplies turns the script's replies into receipts. Only the caller of Accept calls it: when a caller has returned before its
// call has ended, nothing may write to its events any more.
func (r *acceptRequest) applyReplies(receipts []Receipt) error {
	for i, reply := range r.replies {
		c := r.events[i]
		receipt := Receipt{ReceivedAt: r.now}
		switch reply {
		case wordFull:
			return &FullError{Limit: LimitQueue}
		case wordAccepted, wordUnmapped:
			receipt.Unmapped = reply == wordUnmapped
			c.event.ReceivedAt = r.now
		case wordFinished:
			receipt.Duplicate = true
		default:
			receipt.Duplicate, receipt.DuplicateOf = true, reply
		}
		receipts[c.position] = receipt
	}
	return nil
}
