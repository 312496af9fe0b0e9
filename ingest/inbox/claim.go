// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"time"
)

// Claimed is the result of Claim.
type Claimed struct {
	Leases []*Lease
	// Next is how long until the shard's next lane is due: 0 if more lanes are due now, -1 if the shard has no lane. A leased lane
	// is due when its lease ends.
	Next time.Duration
	// Unreadable is the number of lanes that Redis could not read. They stay leased until their leases end.
	Unreadable int
}

// maxLeases bounds one call, because Lua can pass at most a few thousand values to one command.
const maxLeases = 1000

// Claim leases up to limit due lanes of a shard, the longest due first. A lane whose lease has ended is due. The first events of the
// leased lanes, with their progress, have about maxBytes bytes together, and exceed that by at most one event; 0 means no bound. Claim
// releases the other lanes, which keep their place in the schedule.
//
// Claim waits at most four seconds for each of its two calls to Redis. If a reply is lost, lanes may be leased to nobody; the next
// calls of Claim for the shard end such leases.
func (b *Inbox) Claim(ctx context.Context, shard, limit, maxBytes int) (Claimed, error) {
	s := b.shards[shard]
	if err := b.endAbandonedLeases(ctx, s); err != nil {
		return Claimed{}, err
	}
	token, deadline := b.newToken(), b.leaseEnd()
	claimed, err := b.claim(ctx, s, min(limit, maxLeases), token, deadline)
	if err == nil && len(claimed.Leases) > 0 {
		err = b.read(ctx, s, token, maxBytes, &claimed)
	}
	if err != nil {
		s.abandon(token, deadline)
		return Claimed{}, err
	}
	return claimed, nil
}

// claim calls claim.lua. The leases have no events yet.
func (b *Inbox) claim(ctx context.Context, s *shard, limit int, token string, deadline time.Time) (Claimed, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	word, rest, err := b.scripts.claim.run(ctx, b.client, s.scheduleKeys,
		[]string{b.clock.argument(), b.leaseArgument(), strconv.Itoa(limit), token})
	if err != nil {
		return Claimed{}, err
	}
	if word != wordClaimed || len(rest)%2 != 1 {
		return Claimed{}, b.scripts.claim.unexpected(word)
	}
	wait, err := strconv.ParseInt(rest[0], 10, 64)
	if err != nil {
		return Claimed{}, b.scripts.claim.unexpected(rest[0])
	}
	claimed := Claimed{Next: -1}
	if wait >= 0 {
		claimed.Next = time.Duration(wait) * time.Millisecond
	}
	for i := 1; i < len(rest); i += 2 {
		claimed.Leases = append(claimed.Leases, b.newLease(s, rest[i], token, rest[i+1], deadline))
	}
	return claimed, nil
}

// read calls read.lua and keeps the leases that have an event. An event that cannot be decoded is dead-lettered, so that it does not
// block its lane forever.
func (b *Inbox) read(ctx context.Context, s *shard, token string, maxBytes int, claimed *Claimed) error {
	keys, args := append([]string(nil), s.scheduleKeys[:2]...), []string{token, strconv.Itoa(maxBytes)}
	for _, l := range claimed.Leases {
		keys = append(keys, s.keys.Lane(l.lane), s.keys.Progress(l.lane))
		args = append(args, l.lane, l.dueAt)
	}
	words, err := b.callRead(ctx, keys, args)
	if err != nil {
		return err
	}
	usable := claimed.Leases[:0]
	for _, l := range claimed.Leases {
		word, ok := words.next()
		switch {
		case ok && word == wordEvent && words.left() >= 3:
			if cause := l.fill(words.take(), words.take(), words.take()); cause != nil {
				b.deadLetterUnreadable(ctx, l, cause)
				continue
			}
			usable = append(usable, l)
		case ok && word == wordFailed && words.left() >= 1:
			words.take()
			claimed.Unreadable++
		case ok && word == wordReleased:
			claimed.Next = 0
		case ok && (word == wordEmpty || word == wordLost):
		default:
			return b.scripts.read.unexpected(word)
		}
	}
	claimed.Leases = usable
	return nil
}

func (b *Inbox) callRead(ctx context.Context, keys, args []string) (*replyWords, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	word, rest, err := b.scripts.read.run(ctx, b.client, keys, args)
	if err != nil {
		return nil, err
	}
	if word != wordRead {
		return nil, b.scripts.read.unexpected(word)
	}
	return &replyWords{words: rest}, nil
}
