// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// The names of transitions.
const (
	transitionSave       = "save"
	transitionComplete   = "complete"
	transitionDeadLetter = "dead-letter"
	transitionRetry      = "retry"
	transitionRelease    = "release"
)

// transition is one change of a leased lane; finish.lua describes the names. The number is the delay in ms for retry,
// the time at which the lane is due in ms for release, and the maximum size of a next event in bytes for complete.
type transition struct {
	name             string
	lease            *Lease
	record, progress []byte
	number           int64

	received, event string // the two elements that the lane stores for its next event; see Lease.fill
	next            *Lease
	err             error
}

func (t *transition) size() (events, bytes int) { return 1, len(t.record) + len(t.progress) }
func (t *transition) excludes() string          { return t.lease.lane }
func (t *transition) fail(err error)            { t.err = err }

// finish executes a transition. Concurrent transitions share a call to Redis.
func (b *Inbox) finish(ctx context.Context, t *transition) error {
	if err := t.lease.shard.transitions.commit(ctx, t); err != nil {
		return err
	}
	return t.err
}

// finishGroup executes all transitions of a group in one call of finish.lua and stores the outcome in each.
func (b *Inbox) finishGroup(ctx context.Context, s *shard, group []*transition) {
	deadline := b.leaseEnd()
	words, err := b.callFinish(ctx, s, group)
	for _, t := range group {
		if err != nil {
			t.err = err
		} else {
			t.err = b.applyAnswer(t, words, deadline)
		}
	}
}

// callFinish calls finish.lua. If the reply says that the layouts have changed, it calls the script again with the new
// ones.
func (b *Inbox) callFinish(ctx context.Context, s *shard, group []*transition) (*replyWords, error) {
	for range maxRetryableReplies {
		known, err := b.refreshLayouts(ctx, s)
		if err != nil {
			return nil, err
		}
		keys, args := b.finishCall(s, known, group)
		word, rest, err := b.scripts.finish.run(ctx, b.client, keys, args)
		switch {
		case err != nil:
			return nil, err
		case word == wordLayouts && len(rest) == 2:
			s.storeLayouts(rest[0], rest[1])
		case word == wordFinished:
			return &replyWords{words: rest}, nil
		default:
			return nil, b.scripts.finish.unexpected(word)
		}
	}
	return nil, b.scripts.finish.unexpected(wordLayouts)
}

// applyAnswer reads the answer of one transition.
func (b *Inbox) applyAnswer(t *transition, words *replyWords, deadline time.Time) error {
	word, ok := words.next()
	switch {
	case ok && word == wordDone:
		return nil
	case ok && word == wordDue:
		t.lease.shard.signalDue()
		return nil
	case ok && word == wordLost:
		return ErrLeaseLost
	case ok && word == wordFailed && words.left() >= 1:
		return fmt.Errorf("%s: Redis cannot read the lane: %s", t.name, words.take())
	case ok && word == wordNext && words.left() >= 3:
		token := words.take()
		t.received, t.event = words.take(), words.take()
		t.next = newLease(t.lease.shard, t.lease.lane, token, receivedMilliseconds(t.received), deadline)
		return nil
	default:
		return b.scripts.finish.unexpected(word)
	}
}

// finishCall returns the keys and arguments of finish.lua.
func (b *Inbox) finishCall(s *shard, known layouts, group []*transition) (keys, args []string) {
	keys = append(make([]string, 0, len(s.sharedKeys)+3*len(group)), s.sharedKeys...)
	args = append(make([]string, 0, 9+9*len(group)), b.clock.argument(), b.leaseArgument(),
		strconv.FormatInt(b.shardShare(int64(b.limits.Load().Log.MaxEvents)), 10))
	args = append(append(args, b.deadLetterArguments()...), known.slices, known.stored, b.firstSetsArgument())
	for _, t := range group {
		keys, args = b.appendTransition(keys, args, s, known.current, t)
	}
	return keys, args
}

// appendTransition appends the keys and arguments of one transition; the header of finish.lua lists them.
func (b *Inbox) appendTransition(
	keys, args []string, s *shard, current layout, t *transition,
) (allKeys, allArgs []string) {
	l, record, progress, number := t.lease, rueidis.BinaryString(t.record), rueidis.BinaryString(t.progress), strconv.FormatInt(t.number, 10)
	lane, saved := s.keys.Lane(l.lane), s.keys.Progress(l.lane)
	switch t.name {
	case transitionSave:
		return append(keys, saved), append(args, t.name, l.lane, l.token, progress)
	case transitionRelease:
		return keys, append(args, t.name, l.lane, l.token, number)
	case transitionRetry:
		return append(keys, saved), append(args, t.name, l.lane, l.token, l.Event.ID, record, number, progress)
	}
	fingerprint, set, member, bucket := l.fingerprint, lane, "", ""
	if l.Event.Key != "" {
		f := b.space.Fingerprint(l.Event.Type, l.Event.Key)
		fingerprint = f.Name
		if current.length > 0 {
			set, member = s.keys.DedupeSet(current.length, current.sets, f), f.Member
			bucket = strconv.FormatInt(l.Event.ReceivedAt.UnixMilli()/current.length, 10)
		}
	}
	if t.name == transitionDeadLetter {
		return append(keys, lane, saved), append(args, t.name, l.lane, l.token, l.Event.ID, record, fingerprint, progress)
	}
	name := t.name
	if l.saved {
		name = "complete-saved"
	}
	args = append(args, name, l.lane, l.token, l.Event.ID, record, fingerprint, member, bucket, number)
	if l.saved {
		return append(keys, lane, set, saved), args
	}
	return append(keys, lane, set), args
}
