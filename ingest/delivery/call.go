// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/bulk"
	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
	"github.com/doorbell-dev/doorbell/ingest/delivery/policy"
	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// leaseMargin is the time between the deadline of a call to Knock and the end of the lease. The process uses this time
// to store the outcome.
const leaseMargin = 2 * time.Second

// result is the outcome of one attempt at a call or an action.
type result struct {
	kind   kind
	wait   time.Duration // before the next attempt, for failed, paused and deferred
	reason string        // for failed and paused
}

type kind int

const (
	finished  kind = iota // nothing is left to do, whether it succeeded or failed
	failed                // the call must be repeated
	paused                // the call must be repeated after the pause of the source
	deferred              // not attempted, because of the rate limit, a pause or a suspension
	abandoned             // not attempted or interrupted, because the lease is lost or the process stops
)

// attempt makes one attempt at a call, when the rate limit, the concurrency limit and the pause allow it.
//
// While the executor waits for its turn, the results of other calls may pause the source, and the user may suspend it.
// attempt therefore checks for both just before the call.
func (x *executor) attempt(ctx context.Context, a *progress.Action, c *progress.Call) (result, error) {
	settings := x.pool.settings.Load()
	if wait := c.Bulk.Wait(x.pool.config.Now(), bulk.MaxPending); wait > 0 {
		return result{kind: deferred, wait: wait}, nil
	}
	if result, done, err := x.attemptInBulk(ctx, settings, a, c); done {
		return result, err
	}
	queue := settings.limits.Queue(c.Request.Endpoint)
	if x.probe == 0 {
		_, bytes := x.pool.leases.held()
		if back, ok := queue.Enter(x.lease.Event.ReceivedAt, bytes > maxLeasedBytes/2); !ok {
			return result{kind: deferred, wait: back}, nil
		}
	}
	x.countDemand()
	if err := x.store(ctx, c); err != nil {
		return result{}, err
	}
	if !x.awaitTurn(ctx, settings, queue, c.Request.Endpoint) {
		return result{kind: abandoned}, nil
	}
	defer func() { <-settings.slots }()
	latest := x.pool.settings.Load()
	if latest.Delivery.Suspend || x.pool.isHeld(latest) && x.probe == 0 {
		return result{kind: deferred}, nil
	}
	err := x.call(ctx, latest, a, c)
	if err != nil && ctx.Err() != nil {
		x.pool.config.Metrics.observeCall(c.Request.Endpoint, abandonedCall, c.Took)
		return result{kind: abandoned}, nil
	}
	return x.apply(a, c, queue, err), nil
}

// awaitTurn waits until the rate limit allows the call and one of the source's concurrent call slots is free. It
// reports whether it got a slot. It holds no slot and returns false if the lease is lost, if too little time of the
// lease is left, or if the process stops.
func (x *executor) awaitTurn(
	ctx context.Context, settings *activeSettings, queue *ratelimit.Queue, endpoint knock.Endpoint,
) bool {
	receivedAt := x.lease.Event.ReceivedAt
	if x.probe != 0 {
		receivedAt = time.Time{} // before all others
	}
	start := x.pool.config.Now()
	x.pool.wakeIfAtCapacity() // a waiting lane uses no capacity
	if !x.pool.awaitTurn(ctx, x.stopping.Done(), settings, queue, receivedAt) {
		return false
	}
	waited := x.pool.config.Now().Sub(start)
	x.pool.config.Metrics.observeRateLimitWait(endpoint, waited)
	if int64(waited) > x.pool.longestWait.Load() { // a longer wait of a concurrent call may be lost
		x.pool.longestWait.Store(int64(waited))
	}
	if x.isStopping() || x.lease.Left() < 2*leaseMargin {
		<-settings.slots
		return false
	}
	return true
}

// awaitTurn waits until the rate limit allows a call and one of the concurrent call slots is free. It reports false, and
// holds no slot, if ctx or stop ends first.
func (p *Pool) awaitTurn(
	ctx context.Context, stop <-chan struct{}, settings *activeSettings, queue *ratelimit.Queue, receivedAt time.Time,
) bool {
	for queue.Wait(ctx, stop, receivedAt) {
		if !takeSlot(ctx, stop, settings) {
			return false
		}
		if !queue.Blocked() {
			return true
		}
		<-settings.slots
	}
	return false
}

// takeSlot waits for one of the source's concurrent call slots. It reports false if ctx or stop ends first.
func takeSlot(ctx context.Context, stop <-chan struct{}, settings *activeSettings) bool {
	select {
	case settings.slots <- struct{}{}: // a select with one case and a default takes a third of the time
		return true
	default:
	}
	select {
	case settings.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	case <-stop:
		return false
	}
}

// call calls Knock and stores the result in c, for the event log.
func (x *executor) call(ctx context.Context, settings *activeSettings, a *progress.Action, c *progress.Call) error {
	ctx, cancel := context.WithTimeout(ctx, min(settings.Delivery.Timeout, x.lease.Left()-leaseMargin))
	defer cancel()
	at := x.pool.config.Now().UTC()
	x.called = true
	a.Attempts++
	c.Bulk = nil
	response, err := settings.Caller.Do(ctx, c.Request)
	c.Repeated, c.At, c.Took = c.At != nil || x.restored, &at, x.pool.config.Now().Sub(at)
	c.Status, c.Response = response.Status, response.Excerpt
	if answer, ok := errors.AsType[*knock.Error](err); ok {
		c.Status, c.Response = answer.Status, answer.Excerpt
	} else if err != nil {
		c.Status, c.Response = 0, err.Error()
	}
	return err
}

// apply applies the policy's decision about an answer to the call, its action and the source.
func (x *executor) apply(a *progress.Action, c *progress.Call, queue *ratelimit.Queue, err error) result {
	history := policy.History{
		Repeated: c.Repeated, Failures: a.Failures, Spent: x.progress.Spent + c.Took,
		RetryFor: x.pool.settings.Load().Delivery.RetryFor,
	}
	if err != nil {
		history.Jitter = policy.Jitter(x.event.ID, a.Attempts)
	}
	d := policy.Decide(c.Request, history, err)
	if x.applyToSource(d, &history, queue, err); history.Outage {
		d = policy.Decide(c.Request, history, err)
	}
	x.pool.config.Metrics.observeCall(c.Request.Endpoint, d.Meaning.String(), c.Took)
	if d.Step != policy.WaitForSource || history.Outage && history.Alone {
		x.progress.Spent = history.Spent + d.Wait
	}
	switch d.Step {
	case policy.Continue:
		c.Done, a.Failures = true, 0
		if d.Note != "" {
			a.Notes = append(a.Notes, d.Note)
		}
	case policy.DeadLetter:
		x.deadLetter(a, c, d)
	case policy.Retry:
		a.Failures++
		return result{kind: failed, wait: d.Wait, reason: d.Reason}
	case policy.WaitForSource:
		return result{kind: paused, wait: d.Wait, reason: d.Reason}
	}
	return result{kind: finished}
}

// deadLetter marks a call as failed. If the event has used all its time for retries, deadLetter dead-letters the whole
// action.
func (x *executor) deadLetter(a *progress.Action, c *progress.Call, d policy.Decision) {
	if d.Meaning == policy.Permanent {
		c.Done, c.Failure = true, d.Reason
		return
	}
	a.Status, a.Reason, a.Cause = eventlog.DeadLettered, d.Reason, progress.RetriesEnded
}

// applyToSource records an answer in the state that all calls of the source share, and sets Outage and Alone.
func (x *executor) applyToSource(d policy.Decision, history *policy.History, queue *ratelimit.Queue, err error) {
	answer, answered := errors.AsType[*knock.Error](err)
	recorded := health.Answer{
		Meaning: d.Meaning, Answered: answered || err == nil, Probe: x.probe, Event: x.event.ID,
		Last:     d.Meaning == policy.Transient && d.Step == policy.DeadLetter,
		Failures: history.Failures + 1, Failing: history.Spent,
	}
	if err != nil {
		recorded.Reason = policy.Explain(err)
	}
	if answered && answer.Status == http.StatusTooManyRequests {
		queue.Throttle(answer.RetryAfter)
	} else if answered && answer.Status < http.StatusInternalServerError {
		recorded.User = x.lease.Event.OrderingKey
	}
	x.pool.health.Record(err, x.pool.config.Now())
	before, after, alone := x.pool.pause.Record(recorded)
	history.Outage, history.Alone = after == health.Outage, alone
	x.pool.reportPause(before, after, err)
}
