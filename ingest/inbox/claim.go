// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Claimed is the result of Claim.
type Claimed struct {
	Leases []*Lease
	// Next is the time until the shard's next lane is due: 0 if more lanes are due now, -1 if no lane has events. A
	// leased lane is due when its lease ends.
	Next time.Duration
	// Unreadable is the number of lanes that Redis could not read. Claim returns no leases for them, and no worker can
	// claim them until their leases end.
	Unreadable int
}

// maxLeases is the maximum number of leases in one call, because Lua can pass at most a few thousand values to a
// command.
const maxLeases = 1000

// Claim leases up to limit due lanes of a shard, but at most 1,000. It starts with the lane that has been due longest.
// A lane whose lease has ended is due. Claim reads the first event of each lane and its progress until they have
// maxBytes bytes in total, which the last event can exceed; 0 means no limit. Claim releases the remaining lanes, which
// keep their place in the schedule.
//
// Claim waits at most four seconds for each of its calls to Redis. If a reply is lost, Redis may have leased lanes
// without any worker knowing it. The next calls of Claim for the shard end such leases.
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

// claim calls claim.lua. The leases that it returns have no events yet; read adds them.
func (b *Inbox) claim(ctx context.Context, s *shard, limit int, token string, deadline time.Time) (Claimed, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	called := b.clock.process()
	word, rest, err := b.scripts.claim.run(ctx, b.client, s.scheduleKeys,
		[]string{b.clock.argument(), b.leaseArgument(), strconv.Itoa(limit), token, s.expectedTime(called)})
	if err != nil {
		return Claimed{}, err
	}
	if word != wordClaimed || len(rest) < 2 || len(rest)%2 != 0 {
		return Claimed{}, b.scripts.claim.unexpected(word)
	}
	now, err := strconv.ParseInt(rest[0], 10, 64)
	if err != nil {
		return Claimed{}, b.scripts.claim.unexpected(rest[0])
	}
	wait, err := strconv.ParseInt(rest[1], 10, 64)
	if err != nil {
		return Claimed{}, b.scripts.claim.unexpected(rest[1])
	}
	s.setTime(shardTime{now, called})
	claimed := Claimed{Next: -1}
	if wait >= 0 {
		claimed.Next = time.Duration(wait) * time.Millisecond
	}
	for i := 2; i < len(rest); i += 2 {
		claimed.Leases = append(claimed.Leases, newLease(s, rest[i], token, rest[i+1], deadline))
	}
	return claimed, nil
}

// read calls read.lua, adds the events to the leases, and removes the leases without an event from claimed. If it
// cannot decode an event, it dead-letters the event, so that the event does not block its lane forever.
func (b *Inbox) read(ctx context.Context, s *shard, token string, maxBytes int, claimed *Claimed) error {
	keys, dueAt := append([]string(nil), s.scheduleKeys[:2]...), make([]string, len(claimed.Leases))
	for i, l := range claimed.Leases {
		keys = append(keys, s.keys.Lane(l.lane), s.keys.Progress(l.lane))
		dueAt[i] = l.dueAt
	}
	args := []string{token, strconv.Itoa(maxBytes), strings.Join(dueAt, " "), strconv.Itoa(len(s.keys.Lane("")))}
	words, err := b.callRead(ctx, keys, args)
	if err != nil {
		return err
	}
	usable := claimed.Leases[:0]
	for _, l := range claimed.Leases {
		word, ok := words.next()
		switch {
		case ok && (word == wordEvent && words.left() >= 2 || word == wordSaved && words.left() >= 3):
			received, encoded, progress := words.take(), words.take(), ""
			if l.saved = word == wordSaved; l.saved {
				progress = words.take()
			}
			if cause := l.fill(received, encoded, progress); cause != nil {
				b.deadLetterUnreadable(ctx, l, cause)
				continue
			}
			usable = append(usable, l)
		case ok && word == wordFailed && words.left() >= 1:
			words.take()
			claimed.Unreadable++
		case ok && word == wordReleased:
			claimed.Next = 0
		case ok && word == wordEmpty:
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
