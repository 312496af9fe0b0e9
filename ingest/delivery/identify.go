// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/bulk"
	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
	"github.com/doorbell-dev/doorbell/ingest/delivery/policy"
	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// attemptInBulk makes an attempt at an identify together with others, if it would otherwise wait longer than a second
// for its limit. It reports false if the user must be identified alone.
//
// A user whose identify has failed is identified alone, because one row can make Knock reject a whole call, and because
// Knock does not say why a row failed. Only the answer to the single identify decides whether the event is dead-lettered.
//
// While the row waits, it occupies no slot, and its lane is leased, so no other call for the user begins before the bulk
// operation has ended. If the process dies, the operation may still change the user. The progress is therefore stored
// before the row is sent, and the next process waits until such an operation has surely ended.
func (x *executor) attemptInBulk(
	ctx context.Context, settings *activeSettings, a *progress.Action, c *progress.Call,
) (r result, done bool, err error) {
	if c.Request.Endpoint != knock.IdentifyUser || x.probe != 0 || a.Failures > 0 || !x.pool.prefersBulk(settings) {
		return result{}, false, nil
	}
	user, ok := knock.NewBulkUser(c.Request)
	if !ok {
		return result{}, false, nil
	}
	_, bytes := x.pool.leases.held()
	if back, ok := x.pool.bulk.Enter(x.lease.Event.ReceivedAt, bytes > maxLeasedBytes/2); !ok {
		return result{kind: deferred, wait: back}, true, nil
	}
	c.Bulk = &progress.Bulk{Pending: true}
	if err := x.save(ctx); err != nil {
		c.Bulk = nil
		return result{}, errors.Is(err, inbox.ErrLeaseLost), err
	}
	x.pool.wakeIfAtCapacity() // a waiting lane uses no capacity
	joined := x.pool.config.Now()
	outcome, ok := x.pool.bulk.Identify(ctx, x.stopping.Done(), bulk.Row{
		User: user, ReceivedAt: x.lease.Event.ReceivedAt, Left: func() time.Duration { return x.lease.Left() - leaseMargin },
	})
	switch {
	case !ok:
		x.called = true // the row may have been sent
		return result{kind: abandoned}, true, nil
	case outcome.Result == bulk.NotSent:
		c.Bulk = nil
		return result{kind: deferred}, x.pool.isHeld(x.pool.settings.Load()), nil
	}
	x.pool.config.Metrics.observeRateLimitWait(knock.IdentifyUser, x.pool.config.Now().Sub(joined)-outcome.Took)
	return x.applyBulk(a, c, outcome), true, nil
}

// applyBulk applies the outcome of a row to its call and action.
func (x *executor) applyBulk(a *progress.Action, c *progress.Call, outcome bulk.Outcome) result {
	at := outcome.At.UTC()
	x.called = true
	a.Attempts++
	c.At, c.Took, c.Status, c.Response = &at, outcome.Took, outcome.Response.Status, outcome.Response.Excerpt
	c.Bulk = &progress.Bulk{Operation: outcome.Operation}
	x.pool.config.Metrics.countBulkRow(outcome.Result)
	if outcome.Result == bulk.Identified {
		c.Done, a.Failures = true, 0
		x.progress.Spent += c.Took
		a.Notes = append(a.Notes, "identified in bulk operation "+outcome.Operation)
		return result{kind: finished}
	}
	cause, _ := x.pool.pause.Current()
	d := policy.DecideBulk(policy.History{
		Failures: a.Failures, Outage: cause == health.Outage, Jitter: policy.Jitter(x.event.ID, a.Attempts),
	}, outcome.Err)
	if c.Status == 0 {
		c.Response = outcome.Err.Error()
	}
	if outcome.Pending {
		// The time is stored too, because the lane becomes due earlier if Redis's clock jumps forward.
		c.Bulk.Until = x.pool.config.Now().UTC().Add(bulk.MaxPending)
		d.Wait = max(d.Wait, bulk.MaxPending)
	}
	if d.Step == policy.WaitForSource {
		return result{kind: paused, wait: d.Wait, reason: d.Reason}
	}
	a.Failures++
	x.progress.Spent += c.Took + d.Wait
	return result{kind: failed, wait: d.Wait, reason: fmt.Sprintf("%s; Doorbell identifies the user alone next", d.Reason)}
}
