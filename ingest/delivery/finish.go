// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

const (
	// releaseTimeout bounds the call that ends a lease after the context of the work has ended.
	releaseTimeout = time.Second

	firstStoreRetry = 50 * time.Millisecond
	maxStoreRetry   = time.Second
)

// postpone ends the lease of an event that is not finished. result is the outcome of action a.
func (x *executor) postpone(ctx context.Context, a *progress.Action, result result) error {
	switch result.kind {
	case failed:
		a.Status, a.Reason = eventlog.Retrying, result.reason
		return x.retry(ctx, result.wait, fmt.Sprintf("%s: %s", a.Mapping, a.Reason))
	case paused: // does not count towards retryFor: the event is not at fault
		a.Status, a.Reason = eventlog.Retrying, result.reason
		return x.retry(ctx, result.wait, "delivery paused: "+a.Reason)
	case deferred:
		return x.reschedule(ctx, result.wait)
	default:
		return x.release(ctx)
	}
}

// release makes the lane due at once, so that another process need not wait for the lease to end.
func (x *executor) release(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), inbox.ErrLeaseLost) {
		return inbox.ErrLeaseLost
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	return x.reschedule(ctx, 0)
}

// reschedule ends the lease without an entry in the event log and makes the lane due after the delay.
func (x *executor) reschedule(ctx context.Context, delay time.Duration) error {
	encoded := x.unfinished()
	return x.endLease(ctx, func() error {
		if encoded == nil && delay == 0 {
			return x.pool.config.Inbox.Release(ctx, x.lease)
		}
		return x.pool.config.Inbox.Retry(ctx, x.lease, delay, encoded, nil)
	})
}

// retry ends the lease and makes the lane due after the delay. The event log shows the event as retrying.
func (x *executor) retry(ctx context.Context, delay time.Duration, reason string) error {
	encoded := x.unfinished()
	return x.endLeaseWithEntry(ctx, x.logEntry(eventlog.Retrying, reason), func(record []byte) error {
		return x.pool.config.Inbox.Retry(ctx, x.lease, delay, encoded, record)
	})
}

// unfinished returns the progress to store with an event that is not finished. If the plan is not stored and this
// executor has not called Knock, it returns nil, which leaves the stored progress unchanged. The next worker then plans
// the event again.
func (x *executor) unfinished() []byte {
	if x.progress == nil || !x.stored && !x.called {
		return nil
	}
	x.progress.Sent = x.restored || x.called
	return x.progress.Encode()
}

// finish completes or dead-letters the event.
func (x *executor) finish(ctx context.Context) error {
	status, reason := x.progress.EventStatus()
	entry := x.logEntry(status, reason)
	if status == eventlog.DeadLettered {
		return x.endAsDeadLetter(ctx, x.progress, entry)
	}
	if x.event.Type == "" {
		return x.endForReplay(ctx, entry)
	}
	room := x.pool.room(x.stopping, x.lease.Size, x.inARow) //nolint:contextcheck // only reports whether the process stops
	return x.endLeaseWithEntry(ctx, entry, func(record []byte) error {
		next, err := x.pool.config.Inbox.Complete(ctx, x.lease, record, room)
		x.next = next
		return err
	})
}

func (x *executor) endAsDeadLetter(ctx context.Context, p *progress.Progress, entry eventlog.Entry) error {
	encoded := p.Encode()
	err := x.endLeaseWithEntry(ctx, entry, func(record []byte) error {
		return x.pool.config.Inbox.DeadLetter(ctx, x.lease, encoded, record)
	})
	if err == nil {
		x.pool.config.Metrics.countDeadLetter(p.DeadLetterCause())
	}
	return err
}

// endForReplay ends the delivery of an event whose type cannot be read. The event log shows it as skipped, but Doorbell
// stores it with the dead letters, so that a person can replay it when the expression of the type is corrected.
func (x *executor) endForReplay(ctx context.Context, entry eventlog.Entry) error {
	encoded := x.progress.Encode()
	return x.endLeaseWithEntry(ctx, entry, func(record []byte) error {
		return x.pool.config.Inbox.DeadLetter(ctx, x.lease, encoded, record)
	})
}

// deadLetterAfterPanic dead-letters the event. Its log entry has neither payload nor requests, because the work on them
// may have panicked. If this panics too, the event is retried when its lease ends.
func (x *executor) deadLetterAfterPanic(ctx context.Context, cause any) (err error) {
	defer func() {
		if again := recover(); again != nil {
			err = fmt.Errorf("panic: %v; then, while the event was dead-lettered: %v", cause, again)
		}
	}()
	reason := fmt.Sprintf("internal error; please report it: %v", cause)
	x.pool.config.Log.Error(errors.New(reason), "Delivering an event panicked; the event is dead-lettered",
		"source", x.pool.config.Source, "event", x.lease.Event.ID)
	p := progress.Failed(progress.InternalError, reason)
	entry := p.LogEntry(x.pool.config.Source, &x.event, eventlog.DeadLettered, reason)
	entry.Payload, entry.ReplayOf = nil, x.lease.ReplayOf
	return x.endAsDeadLetter(ctx, p, entry)
}

// logEntry returns the event's entry for the event log, after redaction.
func (x *executor) logEntry(status eventlog.Status, reason string) eventlog.Entry {
	entry := x.progress.LogEntry(x.pool.config.Source, &x.event, status, reason)
	entry.ReplayOf = x.lease.ReplayOf
	return x.pool.settings.Load().Redactor.Apply(entry)
}

// endLeaseWithEntry ends the lease with change, which also stores the log entry, and then passes the entry to Observe.
func (x *executor) endLeaseWithEntry(ctx context.Context, entry eventlog.Entry, change func(record []byte) error) error {
	config := x.pool.config
	if entry.Status.Final() {
		now := config.Now().UTC()
		entry.FinishedAt = &now
	}
	record := eventlog.Encode(entry)
	if err := x.endLease(ctx, func() error { return change(record) }); err != nil {
		return err
	}
	config.Metrics.CountEvent(entry.Status)
	if entry.Status.Final() {
		x.countDemand()
		x.finished = true
	}
	if config.Observe != nil {
		config.Observe(entry)
	}
	return nil
}

// endLease calls change, which ends the lease, and calls it again while Redis is unavailable.
//
// Redis may have executed a call whose reply was lost. The repeated call then finds no lease and returns ErrLeaseLost.
// Until the lease expires, no other process can claim the lane. In that case the first call ended the lease, and
// endLease returns nil.
func (x *executor) endLease(ctx context.Context, change func() error) error {
	x.pool.leases.keepRunning(x.lease)
	unanswered := false
	return x.retryWhileUnavailable(ctx, func() error {
		err := change()
		if unanswered && errors.Is(err, inbox.ErrLeaseLost) && x.lease.Left() > 0 {
			return nil
		}
		unanswered = unanswered || errors.Is(err, inbox.ErrUnavailable)
		return err
	})
}

// retryWhileUnavailable calls change until it returns something other than ErrUnavailable, or the lease is nearly over.
// Without it, one failed call to Redis would lose the outcome of calls to Knock, and the next worker would make those
// calls again.
func (x *executor) retryWhileUnavailable(ctx context.Context, change func() error) error {
	for wait := firstStoreRetry; ; wait = min(2*wait, maxStoreRetry) {
		err := change()
		if !errors.Is(err, inbox.ErrUnavailable) || x.lease.Left() < wait {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
