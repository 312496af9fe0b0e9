// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

// Save, Complete, Retry, Release and DeadLetter change a leased lane. Concurrent calls share round trips to Redis; see groupCommit.
// They return ErrLeaseLost if the caller no longer has the lease. If ctx ends first, they return its error, and the change may be
// made.

// Save stores the progress of the leased event.
func (b *Inbox) Save(ctx context.Context, lease *Lease, progress []byte) error {
	return b.finish(ctx, &transition{name: "save", lease: lease, progress: progress})
}

// Complete finishes the event: it moves the event's key to the dedupe window and writes the log record unless that is nil.
//
// If the lane has another event and that has at most room bytes, next is its lease: the lane continues without having to be claimed.
// The lease passed to Complete must not be used any more, except to repeat Complete after an error. Otherwise next is nil, and the
// lane, if it has more events, is due.
//
// It is safe to repeat Complete after ErrUnavailable: it then returns the same next event. If next was not wanted, a repetition
// returns ErrLeaseLost when the first call was executed.
func (b *Inbox) Complete(ctx context.Context, lease *Lease, record []byte, room int) (next *Lease, err error) {
	t := &transition{name: "complete", lease: lease, record: record, number: int64(max(room, 0))}
	if err := b.finish(ctx, t); err != nil || t.next == nil {
		return nil, err
	}
	if cause := t.next.fill(t.received, t.event, ""); cause != nil {
		b.deadLetterUnreadable(ctx, t.next, cause)
		return nil, nil
	}
	return t.next, nil
}

// Retry ends the lease; the lane is due again after the delay, with the same first event. Empty progress keeps the progress saved
// before; a nil record leaves the event's log entry unchanged.
func (b *Inbox) Retry(ctx context.Context, lease *Lease, delay time.Duration, progress, record []byte) error {
	return b.finish(ctx, &transition{name: "retry", lease: lease, record: record, progress: progress, number: delay.Milliseconds()})
}

// Release ends the lease without a change: the lane has its former place in the schedule, with the same first event and the progress
// saved before.
func (b *Inbox) Release(ctx context.Context, lease *Lease) error {
	dueAt, err := strconv.ParseInt(lease.dueAt, 10, 64)
	if err != nil {
		return fmt.Errorf("release: due time: %w", err)
	}
	return b.finish(ctx, &transition{name: "release", lease: lease, number: dueAt})
}

// DeadLetter finishes the event as a dead letter and stores it with its progress; empty progress keeps the progress saved before.
// It removes the event's key from the in-flight index, so that the sender can send the event again, writes the log record unless
// that is nil, and makes the lane's next event due. Limits.DeadLetters bounds what is stored.
func (b *Inbox) DeadLetter(ctx context.Context, lease *Lease, progress, record []byte) error {
	return b.finish(ctx, &transition{name: "dead-letter", lease: lease, record: record, progress: progress})
}

// deadLetterUnreadable dead-letters an entry that cannot be decoded as an event. It gives the dead letter a new ID. If that fails,
// the entry is found again when the lease has ended.
func (b *Inbox) deadLetterUnreadable(ctx context.Context, lease *Lease, cause error) {
	lease.Event = &event.Event{ID: event.NewID()}
	record, err := json.Marshal(eventlog.Entry{
		ID: lease.Event.ID, Source: b.space.Source(), Status: eventlog.DeadLettered, Reason: cause.Error(),
	})
	if err != nil { // cannot happen: the entry has plain values only
		panic(fmt.Sprintf("inbox: log record: %v", err))
	}
	_ = b.DeadLetter(ctx, lease, nil, record)
}
