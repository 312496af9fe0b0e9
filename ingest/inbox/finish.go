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

// Save, Complete, Retry, Release and DeadLetter change a leased lane. Concurrent calls share round trips to Redis; see
// groupCommit. They return ErrLeaseLost if the caller no longer has the lease. If ctx ends first, they return the error
// of ctx, and Redis may still make the change.

// Save stores the progress of the leased event and replaces the progress saved before. The lease continues.
func (b *Inbox) Save(ctx context.Context, lease *Lease, progress []byte) error {
	lease.saved = true
	return b.finish(ctx, &transition{name: transitionSave, lease: lease, progress: progress})
}

// Complete finishes the event: it moves the event's key to the dedupe window and writes the log record. If record is
// nil, the event's log entry does not change.
//
// If the lane has another event of at most room bytes, next is the lease of that event, and the caller does not have to
// claim the lane again. Otherwise next is nil, and the lane is due if it has more events. The caller must not use the
// old lease again, except to repeat Complete after an error.
//
// The caller can safely repeat Complete after ErrUnavailable. If Redis executed the first call and leased the next
// event, the repetition returns the lease of the same event. If Redis executed the first call and leased no event, the
// repetition returns ErrLeaseLost.
func (b *Inbox) Complete(ctx context.Context, lease *Lease, record []byte, room int) (next *Lease, err error) {
	t := &transition{name: transitionComplete, lease: lease, record: record, number: int64(max(room, 0))}
	if err := b.finish(ctx, t); err != nil || t.next == nil {
		return nil, err
	}
	if cause := t.next.fill(t.received, t.event, ""); cause != nil {
		b.deadLetterUnreadable(ctx, t.next, cause)
		return nil, nil
	}
	return t.next, nil
}

// Retry ends the lease. The lane is due again after the delay, with the same first event. If progress is empty, the
// event keeps the progress saved before. If record is nil, the event's log entry does not change.
func (b *Inbox) Retry(ctx context.Context, lease *Lease, delay time.Duration, progress, record []byte) error {
	return b.finish(ctx, &transition{name: transitionRetry, lease: lease, record: record, progress: progress, number: delay.Milliseconds()})
}

// Release ends the lease and returns the lane to its former place in the schedule. The first event and its progress do
// not change.
func (b *Inbox) Release(ctx context.Context, lease *Lease) error {
	dueAt, err := strconv.ParseInt(lease.dueAt, 10, 64)
	if err != nil {
		return fmt.Errorf("release: due time: %w", err)
	}
	return b.finish(ctx, &transition{name: transitionRelease, lease: lease, number: dueAt})
}

// DeadLetter finishes the event as a dead letter and stores it with its progress. If progress is empty, the event keeps
// the progress saved before. DeadLetter removes the event's key from the in-flight index, so that the sender can send
// the event again. It writes the log record unless record is nil, and it makes the lane due if the lane has more
// events. Limits.DeadLetters limits the dead letters that Redis stores.
func (b *Inbox) DeadLetter(ctx context.Context, lease *Lease, progress, record []byte) error {
	return b.finish(ctx, &transition{name: transitionDeadLetter, lease: lease, record: record, progress: progress})
}

// deadLetterUnreadable dead-letters a stored event that Doorbell cannot decode. It gives the dead letter a new ID. If
// the call to Redis fails, Claim finds the event again after the lease has ended.
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
