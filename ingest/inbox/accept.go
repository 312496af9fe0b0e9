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

// Receipt is what became of one event given to Accept.
type Receipt struct {
	// Duplicate is true when an event with the same type and key is unfinished or remembered; this one was not taken.
	Duplicate bool
	// DuplicateOf is the ID of the earlier event. It is empty when that event is finished.
	DuplicateOf string
	// ReceivedAt is Redis's time of the decision, in whole milliseconds.
	ReceivedAt time.Time
}

// Accept takes events in, in order, and sets ReceivedAt of those it took. When it returns nil all are durable, or known duplicates.
//
// On *FullError none of the events of the refusing shard was taken; a source with one shard refuses all or nothing.
// On any other error, including ctx's, events may have been taken: the sender must send them again.
// Requests that come while a call to Redis is under way share the next one.
func (b *Inbox) Accept(ctx context.Context, events []*event.Event) ([]Receipt, error) {
	receipts := make([]Receipt, len(events))
	for i, r := range b.split(events, receipts) {
		if r == nil {
			continue
		}
		r.ctx = ctx
		shard := b.shards[i]
		if err := shard.queue.do(ctx, r, func(group []*request) { b.accept(shard, group) }); err != nil { //nolint:contextcheck // a group ends with its last request
			return nil, err
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	return receipts, nil
}

// Arrived signals, at least once, after this process made a lane of the shard due: by accepting, finishing or releasing.
func (b *Inbox) Arrived(shard int) <-chan struct{} { return b.shards[shard].arrived }

// request is the part of one Accept that belongs to one shard.
type request struct {
	ctx    context.Context //nolint:containedctx // of the one who waits
	events []arrival
	err    error

	leads bool
	turn  chan turn
}

// arrival is one event on its way in.
type arrival struct {
	event       *event.Event
	lane        string
	fingerprint keyspace.Fingerprint // zero if the event has no key
	encoded     []byte
	receipt     *Receipt
}

// split makes a request for each shard that is concerned, nil for the others.
func (b *Inbox) split(events []*event.Event, receipts []Receipt) []*request {
	requests := make([]*request, len(b.shards))
	for i, e := range events {
		lane := b.space.Lane(e.OrderingKey)
		a := arrival{event: e, lane: lane.Name, encoded: e.Append(nil), receipt: &receipts[i]}
		if e.Key != "" {
			a.fingerprint = b.space.Fingerprint(e.Type, e.Key)
		}
		if requests[lane.Shard] == nil {
			requests[lane.Shard] = &request{turn: make(chan turn, 1)}
		}
		requests[lane.Shard].events = append(requests[lane.Shard].events, a)
	}
	return requests
}

const (
	// acceptTime ends a call that nobody waits for any more.
	acceptTime = 5 * time.Second
	// acceptCalls is how often a call is repeated after an answer that says what to do better.
	acceptCalls = 8
)

// accept answers all requests of a group.
func (b *Inbox) accept(s *shard, group []*request) {
	ctx, cancel := waited(group)
	defer cancel()
	words, err := b.callAccept(ctx, s, group)
	if err == nil {
		err = b.settle(s, group, words)
	}
	if err != nil {
		for _, r := range group {
			r.err = err
		}
	}
}

// waited returns a context that lasts as long as someone in the group waits: not only as long as the one who leads.
func waited(group []*request) (context.Context, context.CancelFunc) {
	last := time.Now() //nolint:forbidigo // contexts have this clock
	longest := last.Add(acceptTime)
	for _, r := range group {
		until, bounded := r.ctx.Deadline()
		if !bounded || until.After(longest) {
			last = longest
			break
		}
		if until.After(last) {
			last = until
		}
	}
	return context.WithDeadline(context.WithoutCancel(group[0].ctx), last)
}

// callAccept returns the time of the decision, and a word for each event.
func (b *Inbox) callAccept(ctx context.Context, s *shard, group []*request) (words []string, err error) {
	for range acceptCalls {
		var known memory
		if known, err = b.remembering(ctx, s); err != nil {
			return nil, err
		}
		keys, args := b.acceptCall(s.keys, known, group)
		word, rest, failed := b.scripts.accept.run(ctx, b.client, keys, args)
		switch {
		case failed != nil:
			return nil, failed
		case word == wordAccepted && len(rest) > 0:
			return rest, nil
		case len(rest) != 1:
			return nil, b.scripts.accept.unexpected(word)
		}
		var again bool
		if again, err = b.improve(s, word, rest[0]); !again {
			return nil, err
		}
	}
	return nil, err
}

// improve learns from an answer that accepted nothing. It reports whether another call may fare better, and the error if not.
func (b *Inbox) improve(s *shard, word, told string) (again bool, err error) {
	switch word {
	case wordSlices:
		s.learn(told)
		return true, b.scripts.accept.unexpected(word)
	case wordMemory: // the log gave way to events, unless it is empty
		return told != "0", &FullError{Limit: LimitRedisMemory}
	default:
		return false, b.scripts.accept.unexpected(word)
	}
}

// acceptCall lays out what accept.lua reads.
func (b *Inbox) acceptCall(shard keyspace.Shard, known memory, group []*request) (keys, args []string) {
	limits, lengths := b.limits.Load(), known.lengths(b.clock.seen.Load())
	keys = append(keys, shard.Due(), shard.Pending(), shard.Meta(), shard.Log(), shard.LogIndex())
	args = append(args, b.clock.argument(), strconv.FormatInt(b.share(limits.MaxPending), 10),
		known.value, strconv.Itoa(len(lengths)))
	for _, length := range lengths {
		args = append(args, strconv.FormatInt(length, 10))
	}
	for _, r := range group {
		args = append(args, strconv.Itoa(len(r.events)))
		for _, a := range r.events {
			keys = append(keys, shard.Lane(a.lane))
			if a.fingerprint.Name != "" {
				for _, length := range lengths {
					keys = append(keys, shard.Remembered(length, a.fingerprint.Bucket))
				}
			}
			args = append(args, a.event.ID, a.lane, a.fingerprint.Name, a.fingerprint.Member, rueidis.BinaryString(a.encoded))
		}
	}
	return keys, args
}

// share is a shard's part of a limit that holds for the source.
func (b *Inbox) share(limit int64) int64 {
	n := int64(len(b.shards))
	return (limit + n - 1) / n
}

// settle turns the words for a group's events into receipts and refusals.
func (b *Inbox) settle(s *shard, group []*request, words []string) error {
	now, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return b.scripts.accept.unexpected(words[0])
	}
	b.clock.seen.Store(now)
	words = words[1:]
	for _, r := range group {
		if len(words) < len(r.events) {
			return b.scripts.accept.unexpected(wordAccepted)
		}
		r.settle(words[:len(r.events)], time.UnixMilli(now).UTC())
		words = words[len(r.events):]
	}
	s.signal()
	return nil
}

func (r *request) settle(words []string, now time.Time) {
	for i, word := range words {
		a := r.events[i]
		a.receipt.ReceivedAt = now
		switch word {
		case wordAccepted:
			a.event.ReceivedAt = now
		case wordFull:
			r.err = &FullError{Limit: LimitQueue}
		case wordFinished:
			a.receipt.Duplicate = true
		default:
			a.receipt.Duplicate, a.receipt.DuplicateOf = true, word
		}
	}
}
