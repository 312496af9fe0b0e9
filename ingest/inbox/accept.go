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
	// Duplicate reports whether an event with the same type and key is unfinished or in the dedupe window. Accept does
	// not store a duplicate.
	Duplicate bool
	// DuplicateOf is the ID of the earlier event. It is empty when that event is finished.
	DuplicateOf string
	// Unmapped reports whether Accept finished the event at once because no mapping wants it.
	Unmapped bool
	// ReceivedAt is the time, by the shard's clock, at which Redis accepted the event or recognized the duplicate, in
	// whole milliseconds.
	ReceivedAt time.Time
}

// Unmapped reports whether no mapping wants an event. If so, it returns the event's log record, or nil to log nothing.
type Unmapped func(*event.Event) (record []byte, unmapped bool)

// Accept stores events in order and sets their ReceivedAt unless they are duplicates. When the error is nil, every
// event is durable, a duplicate or unmapped.
//
// unmapped, if not nil, reports whether no mapping wants an event, and returns the event's log record. Accept finishes
// such an event at once: it remembers the event's key for the dedupe window, and stores the record in the minor section
// of the event log if the record is not empty. Doorbell recognizes duplicates of the event as usual.
//
// If the error is a *FullError, Accept stored no event of the shard that is full, but it may have stored events in
// other shards. With one shard, Accept stores all events or none. After any other error, including the error of ctx,
// Accept may have stored some or all events, and the sender must send them again. If a call got no reply, Accept cannot
// know whether Redis executed it. Accept never repeats such a call, because Redis could then store an event without an
// idempotency key twice. Accept returns when ctx ends. A call to Redis takes at most four seconds, and Accept may wait
// for an earlier call before its own.
//
// With Options.MinReplicas, Accept also waits until the replicas have the events on disk, duplicates included. If they
// do not confirm in time, it returns ErrUnavailable.
//
// Concurrent calls share round trips to Redis; see groupCommit.
func (b *Inbox) Accept(ctx context.Context, events []*event.Event, unmapped Unmapped) ([]Receipt, error) {
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

// LaneDue returns a channel that receives a value when this process may have made a lane of the shard due, because it
// accepted, replayed, finished, retried or released an event. One value can announce several lanes, and the receiver
// may find that no lane is due.
func (b *Inbox) LaneDue(shard int) <-chan struct{} { return b.shards[shard].laneDue }

// acceptRequest contains the events of one call of Accept that belong to one shard, and the outcome.
type acceptRequest struct {
	events []candidate
	bytes  int

	replies []string // for each event
	now     time.Time
	err     error

	first [1]candidate // the memory of events while there is only one
}

// candidate is one event that a caller passed to Accept, with the arguments of accept.lua for it.
type candidate struct {
	event       *event.Event
	position    int // index in the events that the caller passed to Accept
	lane        string
	fingerprint keyspace.Fingerprint // zero if the event has no key
	encoded     []byte               // nil if the event is unmapped
	unmapped    bool
	record      []byte // log record of an unmapped event
}

func (r *acceptRequest) size() (events, bytes int) { return len(r.events), r.bytes }
func (r *acceptRequest) excludes() string          { return "" }
func (r *acceptRequest) fail(err error)            { r.err = err }

// split returns a request for each shard that has events, and nil for the others.
func (b *Inbox) split(events []*event.Event, unmapped Unmapped) []*acceptRequest {
	requests := make([]*acceptRequest, len(b.shards))
	for i, e := range events {
		lane := b.space.Lane(e.OrderingKey)
		c := candidate{event: e, position: i, lane: lane.Name}
		if unmapped != nil {
			c.record, c.unmapped = unmapped(e)
		}
		if !c.unmapped {
			c.encoded = e.Append(nil)
		}
		if e.Key != "" {
			c.fingerprint = b.space.Fingerprint(e.Type, e.Key)
		}
		if requests[lane.Shard] == nil {
			r := &acceptRequest{}
			r.events = r.first[:0]
			requests[lane.Shard] = r
		}
		r := requests[lane.Shard]
		r.events, r.bytes = append(r.events, c), r.bytes+len(c.encoded)+len(c.record)
	}
	return requests
}

// applyReplies turns the script's replies into receipts. Only the goroutine that called Accept calls applyReplies. If
// that goroutine has already returned because its context ended, no other goroutine may write to the events.
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
