// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// maxRetryableReplies is the maximum number of calls of a script when every reply is retryable. With a retryable reply,
// the script stores or finishes no event, and another call can succeed.
const maxRetryableReplies = 8

// accept executes all requests of a group in one call of accept.lua and stores the outcome in each request.
func (b *Inbox) accept(ctx context.Context, s *shard, group []*acceptRequest) {
	replies, err := b.callAccept(ctx, s, group)
	if err == nil {
		err = b.distribute(s, group, replies)
	}
	if err != nil {
		for _, r := range group {
			r.err = err
		}
	}
}

// callAccept calls accept.lua, and calls it again after a retryable reply. It returns the shard's time in ms, followed
// by the reply for each event.
func (b *Inbox) callAccept(ctx context.Context, s *shard, group []*acceptRequest) (replies []string, err error) {
	for range maxRetryableReplies {
		var known layouts
		if known, err = b.refreshLayouts(ctx, s); err != nil {
			return nil, err
		}
		keys, args := b.acceptCall(s, known, group)
		word, rest, failed := b.runDurably(ctx, s, b.scripts.accept, keys, args)
		switch {
		case failed != nil:
			return nil, failed
		case word == wordAccepted && len(rest) > 0:
			return rest, nil
		}
		var retryable bool
		if retryable, err = b.applyRetryableReply(s, word, rest); !retryable {
			return nil, err
		}
	}
	return nil, err
}

// applyRetryableReply handles a reply that means that accept.lua stored no event. It reports whether another call can
// succeed. The caller returns err if it makes no other call.
func (b *Inbox) applyRetryableReply(s *shard, word string, rest []string) (retryable bool, err error) {
	switch {
	case word == wordLayouts && len(rest) == 2:
		s.storeLayouts(rest[0], rest[1])
		return true, b.scripts.accept.unexpected(word)
	case word == wordOutOfMemory && len(rest) == 1: // rest is the number of deleted records; if it is 0, another call would fail too
		return rest[0] != "0", &FullError{Limit: LimitRedisMemory}
	default:
		return false, b.scripts.accept.unexpected(word)
	}
}

// acceptCall returns the keys and arguments of accept.lua.
func (b *Inbox) acceptCall(s *shard, known layouts, group []*acceptRequest) (keys, args []string) {
	limits, searched := b.limits.Load(), known.searchable(b.clock.lastSeen.Load())
	fingerprints, events := fingerprintsOf(group), 0
	for _, r := range group {
		events += len(r.events)
	}
	const others = 16 // at least as many as the arguments that belong to no event, request or layout
	keys = make([]string, 0, len(s.sharedKeys)+events*(1+len(searched)))
	args = make([]string, 0, others+2*len(searched)+len(group)+5*events)
	keys = append(keys, s.sharedKeys...)
	args = append(args, b.clock.argument(), strconv.FormatInt(b.shardShare(limits.MaxInFlight), 10),
		known.slices, known.stored, b.firstSetsArgument(), strconv.FormatInt(b.shardShare(int64(limits.Log.MinorEvents())), 10),
		strconv.Itoa(len(searched)), strconv.Itoa(len(fingerprints)))
	for _, layout := range searched {
		args = append(args, strconv.FormatInt(layout.length, 10), strconv.FormatUint(layout.sets, 10))
	}
	args = append(args, fingerprints...)
	for _, r := range group {
		args = append(args, strconv.Itoa(len(r.events)))
		for i := range r.events {
			c := &r.events[i]
			stored, lane := c.encoded, c.lane
			if c.unmapped {
				stored, lane = c.record, ""
			} else {
				keys = append(keys, s.keys.Lane(lane))
			}
			if c.fingerprint.Name != "" {
				for _, layout := range searched {
					keys = append(keys, s.keys.DedupeSet(layout.length, layout.sets, c.fingerprint))
				}
			}
			args = append(args, c.event.ID, lane, c.fingerprint.Member, rueidis.BinaryString(stored))
		}
	}
	return keys, args
}

// fingerprintsOf returns the names of the fingerprints of all events that have a key.
func fingerprintsOf(group []*acceptRequest) (names []string) {
	for _, r := range group {
		for i := range r.events {
			if name := r.events[i].fingerprint.Name; name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}

// shardShare returns a shard's part of a limit of the whole source, rounded up.
func (b *Inbox) shardShare(limit int64) int64 {
	n := int64(len(b.shards))
	return (limit + n - 1) / n
}

// distribute stores in each request the replies of accept.lua for the events of that request.
func (b *Inbox) distribute(s *shard, group []*acceptRequest, replies []string) error {
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
		r.now, r.replies = time.UnixMilli(now).UTC(), replies[:len(r.events)]
		replies = replies[len(r.events):]
	}
	s.signalDue()
	return nil
}
