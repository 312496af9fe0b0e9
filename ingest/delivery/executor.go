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

// executor delivers one leased event.
//
// It works in this order:
//
//  1. It evaluates the mappings and saves the plan, the frozen requests, before the first call. Every later attempt sends the same
//     bytes, even if the mappings have changed. Knock requires this: it rejects an Idempotency-Key that comes with another body.
//  2. It makes the calls one after another, in the order of the plan. Their outcomes are only in memory at first.
//  3. It ends the lease with one script, which stores the outcomes together with the change: Complete, DeadLetter, or Retry with
//     the progress.
//
// If the process dies between 2 and 3, the next worker makes all calls of this attempt again. A trigger then carries the same
// Idempotency-Key, so that Knock runs the workflow once, and setting, adding or deleting something twice has the same effect as
// once. One repetition is not harmless: a cancelWorkflow that is repeated after a later action of the same event has triggered the
// workflow cancels that run too.
type executor struct {
	pool     *Pool
	settings *activeSettings
	lease    *inbox.Lease
	progress *progress
	probe    bool            // the event was claimed to test whether Knock accepts the API key again
	stopping <-chan struct{} // closed when the process stops: no new call may begin
	started  time.Time
	called   bool // Knock was called
}

// deliver delivers a leased event as far as is possible now and ends the lease. work ends when the lease is lost or the time for
// stopping is over; stopping ends when the process begins to stop.
func (p *Pool) deliver(work, stopping context.Context, lease *inbox.Lease, probe bool) {
	x := &executor{pool: p, settings: p.settings.Load(), lease: lease, probe: probe, stopping: stopping.Done(), started: p.config.Now()}
	if probe {
		defer func() { p.pause.endProbe(x.called) }()
	}
	if err := x.run(work); err != nil && !errors.Is(err, inbox.ErrLeaseLost) && work.Err() == nil {
		p.config.Log.Error(err, "Processing failed; the event will be retried when its lease expires", "source", p.config.Source, "event", lease.Event.ID)
	}
}

func (x *executor) run(ctx context.Context) error {
	if x.isStopping() {
		return x.release(ctx)
	}
	if err := x.loadProgress(ctx); err != nil {
		return err
	}
	for _, a := range x.progress.Actions {
		if a.Status.Final() {
			continue
		}
		result := x.perform(ctx, a)
		if result.outcome == transient {
			result.wait = backoff(x.progress.Failures, result.err)
		}
		switch {
		case result.outcome == succeeded:
		case result.outcome == transient && x.spent()+result.wait > x.settings.Delivery.RetryFor:
			a.Status = eventlog.DeadLettered
			a.Reason = fmt.Sprintf("retries ended after %v (spec.delivery.retryFor): %s", x.settings.Delivery.RetryFor, explain(result.err))
		default:
			return x.postpone(ctx, a, result) // the actions behind this one wait for it
		}
	}
	return x.finish(ctx)
}

// loadProgress restores the saved progress. On the event's first attempt it makes the plan and saves it before anything is sent. A
// plan without calls is not saved, because nothing can be repeated.
func (x *executor) loadProgress(ctx context.Context) (err error) {
	if x.lease.Progress != nil {
		x.progress, err = decodeProgress(x.lease.Progress)
		return err
	}
	x.progress = x.makePlan()
	if x.progress.finished() {
		return nil
	}
	return x.retryWhileUnavailable(ctx, func() error { return x.pool.config.Inbox.Save(ctx, x.lease, x.progress.encode()) })
}

// makePlan evaluates the mappings. If that panics, the event is dead-lettered. Without this, the panic would end the process, and
// again whenever the event is claimed.
func (x *executor) makePlan() (p *progress) {
	defer func() {
		if cause := recover(); cause != nil {
			reason := fmt.Sprintf("internal error in a mapping; please report it: %v", cause)
			p = &progress{Actions: []*action{{Status: eventlog.DeadLettered, Reason: reason}}}
		}
	}()
	p = newProgress(x.settings.Program.Plan(x.lease.Event))
	p.Timestamp = x.settings.Program.Timestamp(x.lease.Event)
	return p
}

// perform makes an action's calls. It records a permanent failure in the action and still returns succeeded, because such a failure
// does not stop the actions behind. Any other outcome means that the action must be continued later.
func (x *executor) perform(ctx context.Context, a *action) result {
	for _, c := range a.Calls {
		if c.Done {
			continue
		}
		got := x.attempt(ctx, a, c)
		switch got.outcome {
		case succeeded:
			c.Done = true
		case permanent:
			c.Done, c.Failure = true, explain(got.err)
		case transient, keyRejected, deferred, abandoned:
			return got
		}
	}
	a.setStatusFromCalls()
	return result{outcome: succeeded}
}

func (x *executor) isStopping() bool {
	select {
	case <-x.stopping:
		return true
	default:
		return false
	}
}

// spent returns how much of retryFor the event has used: the time of its attempts and of the waits between them.
func (x *executor) spent() time.Duration {
	return x.progress.Spent + x.pool.config.Now().Sub(x.started)
}
