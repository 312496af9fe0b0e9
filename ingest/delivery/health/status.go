// SPDX-License-Identifier: Apache-2.0

// Package health derives the state of Knock, and whether the source must pause, from the results of a source's calls.
// Delivery records every result. The package must never call Knock itself.
package health

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/policy"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// unreachableAfter is how many calls in a row must fail before Knock is reported as unreachable. A single failure
	// among many calls is normal.
	unreachableAfter = 2
	// minRateLimited is how long Knock is reported as rate limited after a 429, at least. Without it, the successes of
	// other endpoints would hide the 429 at once.
	minRateLimited = 5 * time.Second
)

// Status is the state of Knock for the status of the Source. Its zero value is the state before the first call. Its
// methods are safe for concurrent use.
type Status struct {
	mu               sync.Mutex
	knock            report.Knock
	failures         int // in a row
	rateLimitedUntil time.Time
}

// Record takes the result of a call into account; a nil error is a success. It ignores calls that this process
// canceled.
func (h *Status) Record(err error, at time.Time) {
	if errors.Is(err, context.Canceled) {
		return
	}
	answer, answered := errors.AsType[*knock.Error](err)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && (!answered || answer.Status >= http.StatusInternalServerError):
		h.failures++
		h.recordFailure(err, at)
		return
	case err == nil:
	case answer.RejectsKey():
		h.setState(report.KnockUnauthorized, err, at)
		return
	case answer.Status == http.StatusTooManyRequests:
		h.failures = 0
		h.rateLimitedUntil = at.Add(max(answer.RetryAfter, minRateLimited))
		h.setState(report.KnockRateLimited, err, at)
		return
	}
	h.failures = 0
	if h.knock.State != report.KnockRateLimited || !at.Before(h.rateLimitedUntil) {
		h.setState(report.KnockReachable, nil, at)
	}
}

// recordFailure records a call that got no answer or a 5xx. Such a failure does not end the state "unauthorized",
// because Knock may still reject the key.
func (h *Status) recordFailure(err error, at time.Time) {
	switch {
	case h.knock.State == report.KnockUnauthorized:
	case h.knock.State == report.KnockReachable && h.failures < unreachableAfter:
	default:
		h.setState(report.KnockUnreachable, err, at)
	}
}

// setState changes the state. If the state stays the same, its time and problem stay too, so that the operator does not
// write a new status for every failed call.
func (h *Status) setState(state report.KnockState, err error, at time.Time) {
	if h.knock.State == state {
		return
	}
	h.knock = report.Knock{State: state, Since: at}
	if err != nil {
		h.knock.Problem = policy.Explain(err)
	}
}

// Knock returns the state of Knock according to the source's most recent calls.
func (h *Status) Knock() report.Knock {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.knock.State == "" {
		return report.Knock{State: report.KnockIdle}
	}
	return h.knock
}

// Reset forgets the results of earlier calls. Call it when the base URL or the API key has changed.
func (h *Status) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.knock, h.failures, h.rateLimitedUntil = report.Knock{}, 0, time.Time{}
}
