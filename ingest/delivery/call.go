// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// leaseMargin is how long before the end of the lease a call to Knock must have ended. Within it, the process can still store the
// outcome.
const leaseMargin = 2 * time.Second

// result is the outcome of an attempt at a call.
type result struct {
	outcome outcome
	err     error         // nil if the call succeeded or was not made
	wait    time.Duration // before the next attempt, for transient and deferred
}

// attempt makes one attempt at a call, when the rate limit, the concurrency limit and the pause allow it.
//
// The slot in the rate limit is reserved first. While the executor waits for its slot, other calls may bring news: the source may
// be paused, or Knock may answer 429. Both are therefore checked again just before the call.
func (x *executor) attempt(ctx context.Context, a *action, c *call) result {
	limit := x.settings.limits.forEndpoint(c.Request.Endpoint)
	switch wait, ok := limit.reserve(); {
	case !ok:
		return result{outcome: deferred, wait: wait}
	case !x.acquireSlot(ctx, wait):
		return result{outcome: abandoned}
	}
	defer func() { <-x.settings.slots }()
	if !x.probe && x.pool.pause.currentReason() != "" {
		return result{outcome: deferred}
	}
	if wait, blocked := limit.blocked(); blocked {
		return result{outcome: deferred, wait: wait}
	}

	timeout := min(x.settings.Delivery.Timeout, x.lease.Left()-leaseMargin)
	callCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	at := x.pool.config.Now().UTC()
	x.called = true
	// An earlier process may have called Knock and died before it stored that, but it saved the plan before its first call.
	repeated := a.Attempts > 0 || x.lease.Progress != nil
	a.Attempts++
	response, err := x.settings.Caller.Do(callCtx, c.Request)
	c.record(at, x.pool.config.Now().Sub(at), response, err)
	o := classify(ctx, c.Request, err, repeated)
	x.applyFeedback(o, err, limit)
	x.pool.health.record(err, x.pool.config.Now())
	x.pool.config.Metrics.observeCall(c.Request.Endpoint, o, c.Took)
	return result{outcome: o, err: err}
}

// acquireSlot waits for the reserved time and then for one of the concurrent calls that the source may make. It reports false, and
// acquires nothing, if the lease is lost, too little of it is left, or the process stops.
func (x *executor) acquireSlot(ctx context.Context, wait time.Duration) bool {
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return false
		case <-x.stopping:
			return false
		}
	}
	select {
	case x.settings.slots <- struct{}{}:
	case <-ctx.Done():
		return false
	case <-x.stopping:
		return false
	}
	if x.isStopping() || x.lease.Left() < 2*leaseMargin {
		<-x.settings.slots
		return false
	}
	return true
}

// applyFeedback changes the rate limit and the pause according to the outcome of a call, for the source's other calls.
func (x *executor) applyFeedback(o outcome, err error, limit *limiter) {
	answer, answered := errors.AsType[*knock.Error](err)
	if answered && answer.Status == http.StatusTooManyRequests {
		limit.throttle(answer.RetryAfter)
	}
	config := x.pool.config
	switch {
	case o == keyRejected:
		if x.pool.pause.rejected(explain(err)) {
			config.Log.Error(err, "Delivery paused: Knock rejected the API key; events stay in Redis", "source", config.Source)
		}
	case err == nil || answered && answer.Status < http.StatusInternalServerError:
		if x.pool.pause.accepted() {
			config.Log.Info("Delivery resumed: Knock accepted the API key", "source", config.Source)
			x.pool.wakeAll()
		}
	}
}

// record stores the result of the last attempt in the call, for the event log.
func (c *call) record(at time.Time, took time.Duration, response knock.Response, err error) {
	c.At, c.Took, c.Status, c.Response = &at, took, response.Status, response.Excerpt
	if answer, ok := errors.AsType[*knock.Error](err); ok {
		c.Status, c.Response = answer.Status, answer.Excerpt
	} else if err != nil {
		c.Status, c.Response = 0, err.Error()
	}
}
