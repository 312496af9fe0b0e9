// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// failuresInARow make Knock unreachable: among many calls one may always fail.
	failuresInARow = 2
	// limitedFor is how long, at least, a 429 counts: other endpoints go on answering meanwhile.
	limitedFor = 5 * time.Second
)

// health is what the latest calls say of Knock.
type health struct {
	mu           sync.Mutex
	knock        report.Knock
	failures     int
	limitedUntil time.Time
}

// saw takes the answer to a call into account. A call that the process itself broke off says nothing.
func (h *health) saw(err error, at time.Time) {
	if errors.Is(err, context.Canceled) {
		return
	}
	answer, answered := errors.AsType[*knock.Error](err)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil && (!answered || answer.Status >= http.StatusInternalServerError):
		h.failures++
		h.fail(err, at)
		return
	case err == nil:
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		h.turn(report.KnockUnauthorized, err, at)
		return
	case answer.Status == http.StatusTooManyRequests:
		h.failures = 0
		h.limitedUntil = at.Add(max(answer.RetryAfter, limitedFor))
		h.turn(report.KnockRateLimited, err, at)
		return
	}
	h.failures = 0
	if h.knock.State != report.KnockRateLimited || !at.Before(h.limitedUntil) {
		h.turn(report.KnockReachable, nil, at)
	}
}

// fail is for a call that has no answer of Knock's own. It does not tell that a refused key is taken now.
func (h *health) fail(err error, at time.Time) {
	switch {
	case h.knock.State == report.KnockUnauthorized:
	case h.knock.State == report.KnockReachable && h.failures < failuresInARow:
	default:
		h.turn(report.KnockUnreachable, err, at)
	}
}

// turn keeps the time and the problem with which a state began: what reads them should see a change when there is one.
func (h *health) turn(state report.KnockState, err error, at time.Time) {
	if h.knock.State == state {
		return
	}
	h.knock = report.Knock{State: state, Since: at}
	if err != nil {
		h.knock.Problem = explain(err)
	}
}

// KnockStatus is what the source's latest calls say of Knock.
func (p *Pool) KnockStatus() report.Knock {
	p.health.mu.Lock()
	defer p.health.mu.Unlock()
	if p.health.knock.State == "" {
		return report.Knock{State: report.KnockIdle}
	}
	return p.health.knock
}

// ResetKnockStatus is for when the calls go elsewhere, or with another key: what earlier calls said does not count any more.
func (p *Pool) ResetKnockStatus() {
	p.health.mu.Lock()
	defer p.health.mu.Unlock()
	p.health.knock, p.health.failures, p.health.limitedUntil = report.Knock{}, 0, time.Time{}
}
