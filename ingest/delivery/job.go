// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// leaseMargin is how long before its lease ends a call is cut off.
const leaseMargin = 2 * time.Second

// releaseTime is how long a user may take to be given back when the time for everything else is over.
const releaseTime = time.Second

// job is the work on one claimed event.
type job struct {
	pool     *Pool
	settings *live
	claim    *inbox.Claim
	progress *progress
	probe    bool
	stopping <-chan struct{} // closed when no new call should begin
	started  time.Time
	asked    bool          // Knock was called
	wait     time.Duration // before the next attempt, once one has failed
}

// outcome is how an attempt ended.
type outcome struct {
	verdict verdict
	err     error
	wait    time.Duration // before the next attempt, for a deferred one
}

// work takes one claimed event as far as it goes now. work ends with the claim; stopping when the process shuts down.
func (p *Pool) work(ctx, stopping context.Context, claim *inbox.Claim, probe bool) {
	j := &job{pool: p, settings: p.settings.Load(), claim: claim, probe: probe, stopping: stopping.Done(), started: p.config.Now()}
	if probe {
		defer func() { p.pause.endProbe(j.asked) }()
	}
	if err := j.run(ctx); err != nil && !errors.Is(err, inbox.ErrLost) && ctx.Err() == nil {
		p.config.Log.Error(err, "event is left to its next claim", "source", p.config.Source, "event", claim.Event.ID)
	}
}

func (j *job) run(ctx context.Context) error {
	if j.isStopping() {
		return j.release(ctx)
	}
	if err := j.plan(ctx); err != nil {
		return err
	}
	for _, a := range j.progress.Actions {
		if a.Status.Final() {
			continue
		}
		got := j.perform(ctx, a)
		if got.verdict == succeeded || got.verdict == transient && j.givenUp(a, got.err) {
			continue
		}
		return j.putOff(ctx, a, got)
	}
	return j.finish(ctx)
}

// plan restores the frozen plan, or makes it and freezes it before anything is sent.
func (j *job) plan(ctx context.Context) (err error) {
	if j.claim.Progress != nil {
		j.progress, err = restored(j.claim.Progress)
		return err
	}
	j.progress = j.planned()
	if j.progress.idle() {
		return nil
	}
	return j.store(ctx, func() error { return j.pool.config.Inbox.Save(ctx, j.claim, j.progress.encode()) })
}

// planned evaluates the mappings. Should that panic, the event is dead-lettered: it would panic again, and take every other
// event of the process with it.
func (j *job) planned() (p *progress) {
	defer func() {
		if cause := recover(); cause != nil {
			reason := fmt.Sprintf("internal error while mapping, please report it: %v", cause)
			p = &progress{Actions: []*action{{Status: eventlog.DeadLettered, Reason: reason}}}
		}
	}()
	p = planned(j.settings.Program.Plan(j.claim.Event))
	p.Timestamp = j.settings.Program.Timestamp(j.claim.Event)
	return p
}

// perform makes an action's calls. What fails for good is recorded in the action, and the verdict is still succeeded: it
// does not hold the others back.
func (j *job) perform(ctx context.Context, a *action) outcome {
	for _, c := range a.Calls {
		if c.Done {
			continue
		}
		got := j.attempt(ctx, a, c)
		switch got.verdict {
		case succeeded:
			c.Done = true
		case permanent:
			c.Done, c.Failure = true, explain(got.err)
		case transient, refused, deferred, abandoned:
			return got
		}
	}
	a.conclude()
	return outcome{verdict: succeeded}
}

// attempt makes one attempt at a call when the rate limit lets it.
func (j *job) attempt(ctx context.Context, a *action, c *call) outcome {
	limit := j.settings.limits.of(c.Request.Endpoint)
	switch wait, ok := limit.reserve(); {
	case !ok:
		return outcome{verdict: deferred, wait: wait}
	case !j.mayCall(ctx, wait):
		return outcome{verdict: abandoned}
	}
	defer func() { <-j.settings.slots }()
	if !j.probe && j.pool.pause.because() != "" {
		return outcome{verdict: deferred}
	}
	if wait, shut := limit.shut(); shut {
		return outcome{verdict: deferred, wait: wait}
	}

	deadline := min(j.settings.Delivery.Timeout, j.claim.Left()-leaseMargin)
	calling, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	at := j.pool.config.Now().UTC()
	j.asked = true
	again := a.Attempts > 0 || j.claim.Progress != nil
	a.Attempts++
	response, err := j.settings.Caller.Do(calling, c.Request)
	c.record(at, j.pool.config.Now().Sub(at), response, err)
	v := judge(ctx, c.Request, err, again)
	j.heed(v, err, limit)
	j.pool.health.saw(err, j.pool.config.Now())
	j.pool.config.Metrics.call(c.Request.Endpoint, v, c.Took)
	return outcome{verdict: v, err: err}
}

// mayCall waits for the moment that was reserved and for a slot; false when the claim or the process ends first.
func (j *job) mayCall(ctx context.Context, wait time.Duration) bool {
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		case <-j.stopping:
			return false
		}
	}
	select {
	case j.settings.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	case <-j.stopping:
		return false
	}
	if j.isStopping() || j.claim.Left() < 2*leaseMargin {
		<-j.settings.slots
		return false
	}
	return true
}

func (j *job) isStopping() bool {
	select {
	case <-j.stopping:
		return true
	default:
		return false
	}
}

// heed tells the limiter and the pause what an answer means for other calls.
func (j *job) heed(v verdict, err error, limit *limiter) {
	answer, answered := errors.AsType[*knock.Error](err)
	if answered && answer.Status == 429 {
		limit.refused(answer.RetryAfter)
	}
	switch {
	case v == refused:
		if j.pool.pause.refused(explain(err)) {
			j.pool.config.Log.Error(err, "Knock refuses the API key; deliveries of the source are paused and nothing is lost",
				"source", j.pool.config.Source)
		}
	case err == nil || answered && answer.Status < 500:
		if j.pool.pause.answered() {
			j.pool.config.Log.Info("Knock takes the API key; deliveries go on", "source", j.pool.config.Source)
			j.pool.wakeAll()
		}
	}
}

func (c *call) record(at time.Time, took time.Duration, response knock.Response, err error) {
	c.At, c.Took, c.Status, c.Response = &at, took, response.Status, response.Excerpt
	if answer, ok := errors.AsType[*knock.Error](err); ok {
		c.Status, c.Response = answer.Status, answer.Excerpt
	} else if err != nil {
		c.Status, c.Response = 0, err.Error()
	}
}

// putOff ends the job with its event not finished.
func (j *job) putOff(ctx context.Context, a *action, got outcome) error {
	switch got.verdict {
	case transient:
		return j.retry(ctx, a, got.err)
	case refused:
		a.Status = eventlog.Retrying
		a.Reason = explain(got.err)
		return j.reschedule(ctx, 0, "deliveries are paused: "+a.Reason)
	case deferred:
		return j.reschedule(ctx, got.wait, "")
	default:
		return j.release(ctx)
	}
}

// release gives the user back at once, so that the next process need not wait for the lease to run out.
func (j *job) release(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), inbox.ErrLost) {
		return inbox.ErrLost
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	return j.reschedule(ctx, 0, "")
}

// givenUp dead-letters an action when the time for its retries is over. The actions behind it still get their turn.
func (j *job) givenUp(a *action, cause error) bool {
	j.wait = backoff(j.progress.Failures, cause)
	if j.spent()+j.wait <= j.settings.Delivery.RetryFor {
		return false
	}
	a.Status = eventlog.DeadLettered
	a.Reason = fmt.Sprintf("given up after %v of retries: %s", j.settings.Delivery.RetryFor, explain(cause))
	return true
}

func (j *job) spent() time.Duration { return j.progress.Spent + j.pool.config.Now().Sub(j.started) }

// retry schedules the next attempt.
func (j *job) retry(ctx context.Context, a *action, cause error) error {
	j.progress.Failures++
	j.progress.Spent = j.spent() + j.wait
	a.Status, a.Reason = eventlog.Retrying, explain(cause)
	return j.reschedule(ctx, j.wait, fmt.Sprintf("%s: %s", a.Mapping, a.Reason))
}

// reschedule gives the user back; with a reason, the log shows the event as retrying.
func (j *job) reschedule(ctx context.Context, after time.Duration, reason string) error {
	if reason == "" {
		return j.end(ctx, func() error {
			return j.pool.config.Inbox.Retry(ctx, j.claim, after, j.progress.encode(), nil)
		})
	}
	return j.recorded(ctx, eventlog.Retrying, reason, func(record []byte) error {
		return j.pool.config.Inbox.Retry(ctx, j.claim, after, j.progress.encode(), record)
	})
}

// finish records how the event ended.
func (j *job) finish(ctx context.Context) error {
	status, reason := j.progress.outcome()
	return j.recorded(ctx, status, reason, func(record []byte) error {
		if status == eventlog.DeadLettered {
			return j.pool.config.Inbox.Bury(ctx, j.claim, j.progress.encode(), record)
		}
		return j.pool.config.Inbox.Complete(ctx, j.claim, record)
	})
}
