// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

// Save stores the progress of the leased event. It returns ErrLeaseLost if the caller no longer has the lease.
func (b *Inbox) Save(ctx context.Context, lease *Lease, progress []byte) error {
	keys := lease.shard.keys
	word, _, err := b.scripts.save.run(ctx, b.client, []string{keys.FencingTokens(), keys.Progress(lease.lane)},
		[]string{lease.lane, lease.token, rueidis.BinaryString(progress)})
	return leaseResult(b.scripts.save, word, err)
}

// Renew extends leases by their full length from now and returns those that the caller has lost. After an error, some of them may
// have been extended.
func (b *Inbox) Renew(ctx context.Context, leases []*Lease) (lost []*Lease, err error) {
	byShard := map[*shard][]*Lease{}
	for _, lease := range leases {
		byShard[lease.shard] = append(byShard[lease.shard], lease)
	}
	for s, leases := range byShard {
		gone, err := b.renew(ctx, s, leases)
		if err != nil {
			return nil, err
		}
		lost = append(lost, gone...)
	}
	return lost, nil
}

func (b *Inbox) renew(ctx context.Context, s *shard, leases []*Lease) (lost []*Lease, err error) {
	deadline := b.leaseEnd()
	args := []string{b.clock.argument(), b.leaseArgument()}
	for _, lease := range leases {
		args = append(args, lease.lane, lease.token)
	}
	word, words, err := b.scripts.renew.run(ctx, b.client, []string{s.keys.Due(), s.keys.FencingTokens()}, args)
	if err != nil {
		return nil, err
	}
	if word != wordRenewed || len(words) != len(leases) {
		return nil, b.scripts.renew.unexpected(word)
	}
	for i, lease := range leases {
		if words[i] == wordHeld {
			lease.deadline.Store(&deadline)
		} else {
			lost = append(lost, lease)
		}
	}
	return lost, nil
}

// Complete finishes the event: it moves the event's key to the dedupe window, writes the log record unless that is nil, and makes
// the lane's next event due. It returns ErrLeaseLost if the caller no longer has the lease. That includes an earlier call of
// Complete that succeeded but whose reply was lost.
//
// If the lane has another event of at most room bytes, Complete returns it under a new lease, so that the caller can deliver it at
// once. Otherwise next is nil.
func (b *Inbox) Complete(ctx context.Context, lease *Lease, record []byte, room int) (next *Lease, err error) {
	return nil, b.complete(ctx, lease, record)
}

func (b *Inbox) complete(ctx context.Context, lease *Lease, record []byte) error {
	for range maxRetryableReplies {
		lengths, err := b.refreshBuckets(ctx, lease.shard)
		if err != nil {
			return err
		}
		keys, args := b.completeCall(lease, lengths, record)
		word, rest, err := b.scripts.complete.run(ctx, b.client, keys, args)
		if word != wordBuckets || len(rest) != 1 {
			lease.shard.signalDue()
			return leaseResult(b.scripts.complete, word, err)
		}
		lease.shard.storeBuckets(rest[0])
	}
	return b.scripts.complete.unexpected(wordBuckets)
}

// completeCall returns the keys and arguments of complete.lua.
func (b *Inbox) completeCall(lease *Lease, lengths bucketLengths, record []byte) (keys, args []string) {
	shard, e := lease.shard.keys, lease.Event
	keys = []string{
		shard.FencingTokens(), shard.Due(), shard.Lane(lease.lane), shard.Progress(lease.lane), shard.Meta(), shard.Log(), shard.LogIndex(),
	}
	args = b.finishArguments(lease, record)
	if e.Key == "" {
		return keys, append(args, "")
	}
	fingerprint := b.space.Fingerprint(e.Type, e.Key)
	keys, args = append(keys, shard.InFlight()), append(args, fingerprint.Name, lengths.stored)
	if lengths.current > 0 {
		keys = append(keys, shard.DedupeSet(lengths.current, fingerprint.Set))
		args = append(args, fingerprint.Member, strconv.FormatInt(lengths.current, 10),
			strconv.FormatInt(e.ReceivedAt.UnixMilli()/lengths.current, 10))
	}
	return keys, args
}

// Retry ends the lease; the lane is due again after the delay, with the same first event. Empty progress keeps the progress saved
// before; a nil record leaves the event's log entry unchanged. It returns ErrLeaseLost if the caller no longer has the lease.
func (b *Inbox) Retry(ctx context.Context, lease *Lease, delay time.Duration, progress, record []byte) error {
	shard := lease.shard.keys
	keys := []string{shard.FencingTokens(), shard.Due(), shard.Progress(lease.lane), shard.Log(), shard.LogIndex()}
	args := append(b.finishArguments(lease, record), strconv.FormatInt(delay.Milliseconds(), 10), rueidis.BinaryString(progress))
	word, _, err := b.scripts.retry.run(ctx, b.client, keys, args)
	lease.shard.signalDue()
	return leaseResult(b.scripts.retry, word, err)
}

// Release ends the lease without a change: the lane is due at once, with the same first event and progress. It returns ErrLeaseLost
// if the caller no longer has the lease.
func (b *Inbox) Release(ctx context.Context, lease *Lease) error {
	return b.Retry(ctx, lease, 0, nil, nil)
}

// DeadLetter finishes the event as a dead letter and stores it with its progress; empty progress keeps the progress saved before.
// It removes the event's key from the in-flight index, so that the sender can send the event again, writes the log record unless
// that is nil, and makes the lane's next event due. It returns ErrLeaseLost if the caller no longer has the lease.
func (b *Inbox) DeadLetter(ctx context.Context, lease *Lease, progress, record []byte) error {
	shard, e := lease.shard.keys, lease.Event
	keys := []string{
		shard.FencingTokens(), shard.Due(), shard.Lane(lease.lane), shard.Progress(lease.lane), shard.Meta(), shard.Log(), shard.LogIndex(),
		shard.InFlight(), shard.DeadLetters(), shard.DeadLetterProgress(), shard.DeadLetterIndex(),
	}
	fingerprint := ""
	if e.Key != "" {
		fingerprint = b.space.Fingerprint(e.Type, e.Key).Name
	}
	args := append(b.finishArguments(lease, record), fingerprint, rueidis.BinaryString(progress))
	word, _, err := b.scripts.deadLetter.run(ctx, b.client, keys, args)
	lease.shard.signalDue()
	return leaseResult(b.scripts.deadLetter, word, err)
}

// deadLetterUnreadable dead-letters an entry that cannot be decoded as an event. It gives the dead letter a new ID.
func (b *Inbox) deadLetterUnreadable(ctx context.Context, lease *Lease, cause error) error {
	lease.Event = &event.Event{ID: event.NewID()}
	record, err := json.Marshal(eventlog.Entry{
		ID: lease.Event.ID, Source: b.space.Source(), Status: eventlog.DeadLettered, Reason: cause.Error(),
	})
	if err != nil {
		return fmt.Errorf("log record: %w", err)
	}
	return b.DeadLetter(ctx, lease, nil, record)
}

// finishArguments returns the first seven arguments of every script that ends a lease.
func (b *Inbox) finishArguments(lease *Lease, record []byte) []string {
	log := b.limits.Load().Log
	return []string{
		b.clock.argument(), lease.lane, lease.token, lease.Event.ID, rueidis.BinaryString(record),
		strconv.FormatInt(b.shardShare(int64(log.MaxEvents)), 10), strconv.FormatInt(log.Retention.Milliseconds(), 10),
	}
}

// leaseResult returns the error for the reply of a script that only the worker with the lease may run.
func leaseResult(s script, word string, err error) error {
	switch {
	case err != nil:
		return err
	case word == wordDone:
		return nil
	case word == wordLost:
		return ErrLeaseLost
	default:
		return s.unexpected(word)
	}
}
