// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

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
func (x *executor) postpone(ctx context.Context, a *action, result result) error {
	switch result.outcome {
	case transient:
		x.progress.Failures++
		x.progress.Spent = x.spent() + result.wait
		a.Status, a.Reason = eventlog.Retrying, explain(result.err)
		return x.reschedule(ctx, result.wait, fmt.Sprintf("%s: %s", a.Mapping, a.Reason))
	case keyRejected: // does not count towards retryFor: the event is not at fault
		a.Status, a.Reason = eventlog.Retrying, explain(result.err)
		return x.reschedule(ctx, 0, "delivery paused: "+a.Reason)
	case deferred:
		return x.reschedule(ctx, result.wait, "")
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
	return x.reschedule(ctx, 0, "")
}

// reschedule ends the lease and makes the lane due after the delay. If there is a reason, the event log shows the event as
// retrying.
func (x *executor) reschedule(ctx context.Context, delay time.Duration, reason string) error {
	if reason == "" {
		return x.endLease(ctx, func() error {
			return x.pool.config.Inbox.Retry(ctx, x.lease, delay, x.progress.encode(), nil)
		})
	}
	return x.endLeaseWithEntry(ctx, eventlog.Retrying, reason, func(record []byte) error {
		return x.pool.config.Inbox.Retry(ctx, x.lease, delay, x.progress.encode(), record)
	})
}

// finish completes or dead-letters the event.
func (x *executor) finish(ctx context.Context) error {
	status, reason := x.progress.eventStatus()
	return x.endLeaseWithEntry(ctx, status, reason, func(record []byte) error {
		if status == eventlog.DeadLettered {
			return x.pool.config.Inbox.DeadLetter(ctx, x.lease, x.progress.encode(), record)
		}
		_, err := x.pool.config.Inbox.Complete(ctx, x.lease, record, 0)
		return err
	})
}

// endLeaseWithEntry ends the lease with change, which also stores the event's log entry, and then passes the entry to Observe.
func (x *executor) endLeaseWithEntry(ctx context.Context, status eventlog.Status, reason string, change func(record []byte) error) error {
	config := x.pool.config
	entry := x.progress.logEntry(config.Source, x.lease.Event, status, reason)
	if status.Final() {
		now := config.Now().UTC()
		entry.FinishedAt = &now
	}
	entry = x.settings.Redactor.Apply(entry)
	record := eventlog.Encode(entry)
	if err := x.endLease(ctx, func() error { return change(record) }); err != nil {
		return err
	}
	config.Metrics.countEvent(status)
	if config.Observe != nil {
		config.Observe(entry)
	}
	return nil
}

// endLease calls change, which ends the lease, and calls it again while Redis is unavailable.
//
// A call to Redis whose reply was lost may have been executed. The repetition then finds the lease ended and returns ErrLeaseLost.
// As long as the lease's time is not over, no other process can have claimed the lane, so it was the first call that ended the
// lease, and endLease returns nil.
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
// Without it, one failed call to Redis would lose the outcome of calls to Knock, and the next worker would make those calls again.
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
