// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// executor delivers one leased event.
//
// It works in this order:
//
//  1. It evaluates the mappings. It stores the plan, the frozen requests, before the first call, unless the plan is a
//     single call whose repetition is harmless. Every later attempt sends the same bytes, even if the mappings have
//     changed. Knock requires this: it rejects an Idempotency-Key that it has seen with another body.
//  2. It makes the calls one after another, in the order of the plan. Their outcomes are only in memory at first. A
//     call that would undo a later trigger if it were repeated, such as a cancellation, is stored as done before that
//     trigger starts.
//  3. It ends the lease with one script, which stores the outcomes together with the change: Complete, DeadLetter, or
//     Retry with the progress.
//
// If the process dies between 2 and 3, the next worker makes the calls of this attempt again that are not stored as
// done. A trigger then carries the same Idempotency-Key, so that Knock runs the workflow once, and setting, adding or
// deleting something twice has the same effect as once.
type executor struct {
	pool     *Pool
	lease    *inbox.Lease
	event    event.Event     // of the lease; its type is set when the event is planned, if it could not be read before
	probe    health.Probe    // not zero if the event was claimed to test whether the cause of a pause has passed
	stopping context.Context //nolint:containedctx // ends when the process begins to stop: no new call may begin then

	progress *progress.Progress // nil until the event is planned
	restored bool               // an earlier attempt may have sent requests of the progress
	stored   bool               // the plan and the outcomes that a crash must not lose are stored
	called   bool               // this executor has called Knock
	counted  bool               // the forecast counts the event
	finished bool               // the event is completed or dead-lettered

	inARow int          // the number of events of the lane that were delivered since the lane was claimed, with this one
	next   *inbox.Lease // the lease of the lane's next event if the pool can deliver it at once, else nil
}

// deliver delivers a leased event as far as is possible now and ends the lease. The context work ends when the lease is
// lost or the time for draining is over. The context stopping ends when the process begins to stop. inARow is the
// number of events of the lane that were delivered since the lane was claimed. If the lane has another event that the
// pool can deliver at once, deliver returns the lease of that event.
func (p *Pool) deliver(
	work, stopping context.Context, lease *inbox.Lease, probe health.Probe, inARow int,
) (next *inbox.Lease) {
	x := &executor{pool: p, lease: lease, event: *lease.Event, probe: probe, stopping: stopping, inARow: inARow}
	defer func() { p.pause.EndProbe(probe, x.called) }()
	err := x.runSafely(work)
	if x.counted {
		p.forecast.End(x.progress, x.finished)
	}
	if err != nil && !errors.Is(err, inbox.ErrLeaseLost) && work.Err() == nil {
		p.config.Log.Error(err, "Processing failed; the event will be retried when its lease expires",
			"source", p.config.Source, "event", lease.Event.ID)
	}
	return x.next
}

// runSafely runs the executor and dead-letters the event if it panics. Otherwise the panic would end the process, and
// would end the next process when it claims the event again.
func (x *executor) runSafely(ctx context.Context) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = x.deadLetterAfterPanic(ctx, cause)
		}
	}()
	return x.run(ctx)
}

func (x *executor) run(ctx context.Context) error {
	if x.isStopping() {
		return x.release(ctx)
	}
	x.loadProgress()
	for _, a := range x.progress.Actions {
		if a.Status.Final() {
			continue
		}
		if result, err := x.perform(ctx, a); err != nil || result.kind != finished {
			if err != nil {
				return err
			}
			return x.postpone(ctx, a, result) // later actions wait for this one
		}
	}
	return x.finish(ctx)
}

// loadProgress restores the stored progress. If there is none, or if no request of its plan was sent, it evaluates the
// mappings.
func (x *executor) loadProgress() {
	if x.lease.Progress == nil {
		x.progress = x.makePlan()
		return
	}
	stored, err := progress.Decode(x.lease.Progress)
	unreadable, _ := errors.AsType[*progress.UnreadableError](err)
	switch {
	case err == nil && stored.Sent:
		x.progress, x.restored, x.stored = stored, true, true
	case err == nil:
		x.progress = x.makePlan()
		x.progress.KeepSucceeded(stored)
	case unreadable != nil && !unreadable.Sent:
		x.progress = x.makePlan()
	default:
		x.progress = progress.Failed(progress.UnreadablePlan, err.Error())
	}
}

// makePlan evaluates the mappings. If that panics, the event is dead-lettered.
func (x *executor) makePlan() (p *progress.Progress) {
	defer func() {
		if cause := recover(); cause != nil {
			p = progress.Failed(progress.InternalError, fmt.Sprintf("internal error in a mapping; please report it: %v", cause))
		}
	}()
	program := x.pool.settings.Load().Program
	// Plan may set the type. It must not change the type of the lease's event, because the inbox finds the key of an
	// event by the type with which the event was accepted.
	plan := program.Plan(&x.event)
	p = progress.New(plan)
	p.Timestamp = plan.Timestamp
	return p
}

// perform makes an action's calls. It returns finished when the action has a final status. Even if that status is
// dead-lettered, the later actions of the event still run.
func (x *executor) perform(ctx context.Context, a *progress.Action) (result, error) {
	for _, c := range a.Calls {
		if c.Done {
			continue
		}
		if result, err := x.attempt(ctx, a, c); err != nil || result.kind != finished || a.Status == eventlog.DeadLettered {
			return result, err
		}
	}
	a.SetStatusFromCalls()
	return result{kind: finished}, nil
}

// store stores the progress before a call if the process could otherwise, after a crash, send other bytes or undo what
// the call has done.
func (x *executor) store(ctx context.Context, next *progress.Call) error {
	if x.stored && !x.progress.RepeatWouldUndo(next) || !x.stored && !x.progress.MustBeStored() {
		return nil
	}
	return x.retryWhileUnavailable(ctx, func() error { return x.save(ctx) })
}

// save stores the progress as one whose requests may have been sent.
func (x *executor) save(ctx context.Context) error {
	x.progress.Sent = true
	if err := x.pool.config.Inbox.Save(ctx, x.lease, x.progress.Encode()); err != nil {
		return err
	}
	x.stored = true
	x.progress.MarkStored()
	return nil
}

// countDemand makes the forecast count the calls of the event, once.
func (x *executor) countDemand() {
	if !x.counted {
		x.counted = true
		x.pool.forecast.Begin(x.progress)
	}
}

func (x *executor) isStopping() bool { return x.stopping.Err() != nil }
