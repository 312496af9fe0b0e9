// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"

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
	// ReceivedAt is the time of the decision by Redis's clock, in whole milliseconds.
	ReceivedAt time.Time
}

// Accept stores events in order and sets ReceivedAt of those that it stored. When it returns nil, every event is durable or a
// duplicate.
//
// On *FullError Accept stored none of the events of the shard that is full; a source with one shard stores all of them or none.
// On any other error, including the error of ctx, Accept may have stored some or all events, and the sender must send them again:
// only Redis knows whether a call without a reply was executed. Accept never repeats such a call, because an event without an
// idempotency key would be stored twice.
//
// unmapped, if not nil, reports whether no mapping wants an event.
//
// Concurrent calls share round trips to Redis; see groupCommit.
func (b *Inbox) Accept(ctx context.Context, events []*event.Event, unmapped func(*event.Event) bool) ([]Receipt, error) {
	receipts := make([]Receipt, len(events))
	for i, r := range b.split(events, receipts) {
		if r == nil {
			continue
		}
		r.ctx = ctx
		shard := b.shards[i]
		if err := shard.group.commit(ctx, r, func(group []*request) { b.acceptGroup(shard, group) }); err != nil { //nolint:contextcheck // the call lasts as long as any request of the group waits
			return nil, err
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	return receipts, nil
}

// LaneDue returns a channel that receives a value after this process has made a lane of the shard due, by accepting, finishing or
// retrying an event. One value can stand for several lanes.
func (b *Inbox) LaneDue(shard int) <-chan struct{} { return b.shards[shard].laneDue }

// request is the part of one call of Accept that belongs to one shard.
type request struct {
	ctx    context.Context //nolint:containedctx // the caller's; groupContext reads its deadline
	events []candidate
	err    error

	leader bool
	wake   chan wakeup
}

// candidate is one event that Accept has been given, and what the script needs to know about it.
type candidate struct {
	event       *event.Event
	lane        string
	fingerprint keyspace.Fingerprint // zero if the event has no key
	encoded     []byte
	receipt     *Receipt
}

// split returns a request for each shard that has events, and nil for the others.
func (b *Inbox) split(events []*event.Event, receipts []Receipt) []*request {
	requests := make([]*request, len(b.shards))
	for i, e := range events {
		lane := b.space.Lane(e.OrderingKey)
		c := candidate{event: e, lane: lane.Name, encoded: e.Append(nil), receipt: &receipts[i]}
		if e.Key != "" {
			c.fingerprint = b.space.Fingerprint(e.Type, e.Key)
		}
		if requests[lane.Shard] == nil {
			requests[lane.Shard] = &request{wake: make(chan wakeup, 1)}
		}
		requests[lane.Shard].events = append(requests[lane.Shard].events, c)
	}
	return requests
}

const (
	// acceptTimeout bounds a call whose requests have a later deadline or none.
	acceptTimeout = 5 * time.Second
	// maxRetryableReplies is how often a script is called again after a reply that says what must be corrected first.
	maxRetryableReplies = 8
)

// acceptGroup decides on all requests of a group and sets their receipts or errors.
func (b *Inbox) acceptGroup(s *shard, group []*request) {
	ctx, cancel := groupContext(group)
	defer cancel()
	replies, err := b.callAccept(ctx, s, group)
	if err == nil {
		err = b.applyReplies(s, group, replies)
	}
	if err != nil {
		for _, r := range group {
			r.err = err
		}
	}
}

// groupContext returns a context that ends at the latest deadline in the group, at most acceptTimeout from now. The leader's own
// context would be too short: when it ends, the other requests still wait for the call that the leader makes for them.
func groupContext(group []*request) (context.Context, context.CancelFunc) {
	last := time.Now() //nolint:forbidigo // contexts use this clock
	limit := last.Add(acceptTimeout)
	for _, r := range group {
		deadline, ok := r.ctx.Deadline()
		if !ok || deadline.After(limit) {
			last = limit
			break
		}
		if deadline.After(last) {
			last = deadline
		}
	}
	return context.WithDeadline(context.WithoutCancel(group[0].ctx), last)
}

// callAccept calls accept.lua and returns the time of its decision, ms, and the reply for each event. It calls the script again
// after a retryable reply: the script has stored nothing and says what must be corrected first.
func (b *Inbox) callAccept(ctx context.Context, s *shard, group []*request) (replies []string, err error) {
	for range maxRetryableReplies {
		var lengths bucketLengths
		if lengths, err = b.refreshBuckets(ctx, s); err != nil {
			return nil, err
		}
		keys, args := b.acceptCall(s.keys, lengths, group)
		word, rest, failed := b.scripts.accept.run(ctx, b.client, keys, args)
		switch {
		case failed != nil:
			return nil, failed
		case word == wordAccepted && len(rest) > 0:
			return rest, nil
		case len(rest) != 1:
			return nil, b.scripts.accept.unexpected(word)
		}
		var retryable bool
		if retryable, err = b.applyRetryableReply(s, word, rest[0]); !retryable {
			return nil, err
		}
	}
	return nil, err
}

// applyRetryableReply handles a reply with which accept.lua stored nothing. It reports whether another call can succeed; err is the
// error to return if no other call is made.
func (b *Inbox) applyRetryableReply(s *shard, word, detail string) (retryable bool, err error) {
	switch word {
	case wordBuckets:
		s.storeBuckets(detail)
		return true, b.scripts.accept.unexpected(word)
	case wordOutOfMemory: // detail is how many log records the script deleted; if there were none left, another call fails too
		return detail != "0", &FullError{Limit: LimitRedisMemory}
	default:
		return false, b.scripts.accept.unexpected(word)
	}
}

// acceptCall returns the keys and arguments of accept.lua.
func (b *Inbox) acceptCall(shard keyspace.Shard, known bucketLengths, group []*request) (keys, args []string) {
	limits, lengths := b.limits.Load(), known.searchable(b.clock.lastSeen.Load())
	keys = append(keys, shard.Due(), shard.InFlight(), shard.Meta(), shard.Log(), shard.LogIndex())
	args = append(args, b.clock.argument(), strconv.FormatInt(b.shardShare(limits.MaxInFlight), 10),
		known.stored, strconv.Itoa(len(lengths)))
	for _, length := range lengths {
		args = append(args, strconv.FormatInt(length, 10))
	}
	for _, r := range group {
		args = append(args, strconv.Itoa(len(r.events)))
		for _, c := range r.events {
			keys = append(keys, shard.Lane(c.lane))
			if c.fingerprint.Name != "" {
				for _, length := range lengths {
					keys = append(keys, shard.DedupeSet(length, c.fingerprint.Set))
				}
			}
			args = append(args, c.event.ID, c.lane, c.fingerprint.Name, c.fingerprint.Member, rueidis.BinaryString(c.encoded))
		}
	}
	return keys, args
}

// shardShare returns a shard's part of a limit of the whole source, rounded up.
func (b *Inbox) shardShare(limit int64) int64 {
	n := int64(len(b.shards))
	return (limit + n - 1) / n
}

// applyReplies turns the replies of accept.lua into receipts and errors.
func (b *Inbox) applyReplies(s *shard, group []*request, replies []string) error {
	now, err := strconv.ParseInt(replies[0], 10, 64)
	if err != nil {
		return b.scripts.accept.unexpected(replies[0])
	}
	b.clock.lastSeen.Store(now)
	replies = replies[1:]
	for _, r := range group {
		if len(replies) < len(r.events) {
			return b.scripts.accept.unexpected(wordAccepted)
		}
		r.applyReplies(replies[:len(r.events)], time.UnixMilli(now).UTC())
		replies = replies[len(r.events):]
	}
	s.signalDue()
	return nil
}

func (r *request) applyReplies(replies []string, now time.Time) {
	for i, reply := range replies {
		c := r.events[i]
		c.receipt.ReceivedAt = now
		switch reply {
		case wordAccepted:
			c.event.ReceivedAt = now
		case wordFull:
			r.err = &FullError{Limit: LimitQueue}
		case wordFinished:
			c.receipt.Duplicate = true
		default:
			c.receipt.Duplicate, c.receipt.DuplicateOf = true, reply
		}
	}
}
