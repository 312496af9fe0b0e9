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

// Save keeps the progress of the claimed event. ErrLost if the claim is.
func (b *Inbox) Save(ctx context.Context, claim *Claim, progress []byte) error {
	keys := claim.shard.keys
	word, _, err := b.scripts.save.run(ctx, b.client, []string{keys.Claims(), keys.Progress(claim.lane)},
		[]string{claim.lane, claim.token, rueidis.BinaryString(progress)})
	return ended(b.scripts.save, word, err)
}

// Renew starts the leases of claims of one shard anew, and names the claims that are lost.
func (b *Inbox) Renew(ctx context.Context, claims []*Claim) (lost []*Claim, err error) {
	of := map[*shard][]*Claim{}
	for _, claim := range claims {
		of[claim.shard] = append(of[claim.shard], claim)
	}
	for s, claims := range of {
		gone, err := b.renew(ctx, s, claims)
		if err != nil {
			return nil, err
		}
		lost = append(lost, gone...)
	}
	return lost, nil
}

func (b *Inbox) renew(ctx context.Context, s *shard, claims []*Claim) (lost []*Claim, err error) {
	deadline := b.leaseEnd()
	args := []string{b.clock.argument(), b.leaseArgument()}
	for _, claim := range claims {
		args = append(args, claim.lane, claim.token)
	}
	word, words, err := b.scripts.renew.run(ctx, b.client, []string{s.keys.Due(), s.keys.Claims()}, args)
	if err != nil {
		return nil, err
	}
	if word != wordRenewed || len(words) != len(claims) {
		return nil, b.scripts.renew.unexpected(word)
	}
	for i, claim := range claims {
		if words[i] == wordHeld {
			claim.deadline.Store(&deadline)
		} else {
			lost = append(lost, claim)
		}
	}
	return lost, nil
}

// Complete finishes the event: its key is remembered, its log record written unless it is nil, and the lane goes on. ErrLost if the
// claim is, or if an earlier Complete whose answer was lost had done it.
func (b *Inbox) Complete(ctx context.Context, claim *Claim, record []byte) error {
	for range acceptCalls {
		known, err := b.remembering(ctx, claim.shard)
		if err != nil {
			return err
		}
		keys, args := b.completeCall(claim, known, record)
		word, rest, err := b.scripts.complete.run(ctx, b.client, keys, args)
		if word != wordSlices || len(rest) != 1 {
			claim.shard.signal()
			return ended(b.scripts.complete, word, err)
		}
		claim.shard.learn(rest[0])
	}
	return b.scripts.complete.unexpected(wordSlices)
}

func (b *Inbox) completeCall(claim *Claim, known memory, record []byte) (keys, args []string) {
	shard, e := claim.shard.keys, claim.Event
	keys = []string{
		shard.Claims(), shard.Due(), shard.Lane(claim.lane), shard.Progress(claim.lane), shard.Meta(), shard.Log(), shard.LogIndex(),
	}
	args = b.endArguments(claim, record)
	if e.Key == "" {
		return keys, append(args, "")
	}
	fingerprint := b.space.Fingerprint(e.Type, e.Key)
	keys, args = append(keys, shard.Pending()), append(args, fingerprint.Name, known.value)
	if known.current > 0 {
		keys = append(keys, shard.Remembered(known.current, fingerprint.Bucket))
		args = append(args, fingerprint.Member, strconv.FormatInt(known.current, 10),
			strconv.FormatInt(e.ReceivedAt.UnixMilli()/known.current, 10))
	}
	return keys, args
}

// Retry gives the lane back, to be claimed again after a while. Empty progress keeps what was saved; nil record leaves the log as
// it is.
func (b *Inbox) Retry(ctx context.Context, claim *Claim, after time.Duration, progress, record []byte) error {
	shard := claim.shard.keys
	keys := []string{shard.Claims(), shard.Due(), shard.Progress(claim.lane), shard.Log(), shard.LogIndex()}
	args := append(b.endArguments(claim, record), strconv.FormatInt(after.Milliseconds(), 10), rueidis.BinaryString(progress))
	word, _, err := b.scripts.retry.run(ctx, b.client, keys, args)
	claim.shard.signal()
	return ended(b.scripts.retry, word, err)
}

// Bury finishes the event as a dead letter, kept with its progress (empty keeps what was saved): its key is free, its log record
// written, and the lane goes on.
func (b *Inbox) Bury(ctx context.Context, claim *Claim, progress, record []byte) error {
	shard, e := claim.shard.keys, claim.Event
	keys := []string{
		shard.Claims(), shard.Due(), shard.Lane(claim.lane), shard.Progress(claim.lane), shard.Meta(), shard.Log(), shard.LogIndex(),
		shard.Pending(), shard.Dead(), shard.DeadPlan(), shard.DeadIndex(),
	}
	fingerprint := ""
	if e.Key != "" {
		fingerprint = b.space.Fingerprint(e.Type, e.Key).Name
	}
	args := append(b.endArguments(claim, record), fingerprint, rueidis.BinaryString(progress))
	word, _, err := b.scripts.bury.run(ctx, b.client, keys, args)
	claim.shard.signal()
	return ended(b.scripts.bury, word, err)
}

// buryUnreadable makes a dead letter, under an ID of its own, of an entry that is no event.
func (b *Inbox) buryUnreadable(ctx context.Context, claim *Claim, cause error) error {
	claim.Event = &event.Event{ID: event.NewID()}
	record, err := json.Marshal(eventlog.Entry{
		ID: claim.Event.ID, Source: b.space.Source(), Status: eventlog.DeadLettered, Reason: cause.Error(),
	})
	if err != nil {
		return fmt.Errorf("log record: %w", err)
	}
	return b.Bury(ctx, claim, nil, record)
}

// endArguments are the first seven of every script that ends a claim.
func (b *Inbox) endArguments(claim *Claim, record []byte) []string {
	log := b.limits.Load().Log
	return []string{
		b.clock.argument(), claim.lane, claim.token, claim.Event.ID, rueidis.BinaryString(record),
		strconv.FormatInt(b.share(int64(log.MaxEvents)), 10), strconv.FormatInt(log.Retention.Milliseconds(), 10),
	}
}

// ended decodes the answer of a script that only the holder of a lane may run.
func ended(s script, word string, err error) error {
	switch {
	case err != nil:
		return err
	case word == wordDone:
		return nil
	case word == wordLost:
		return ErrLost
	default:
		return s.unexpected(word)
	}
}
