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

// health is what the latest calls say of Knock.
type health struct {
	mu    sync.Mutex
	knock report.Knock
}

// saw takes the answer to a call into account. A call that the process itself broke off says nothing.
func (h *health) saw(err error, at time.Time) {
	if errors.Is(err, context.Canceled) {
		return
	}
	state, problem := report.KnockReachable, ""
	answer, answered := errors.AsType[*knock.Error](err)
	switch {
	case err == nil:
	case !answered:
		state = report.KnockUnreachable
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		state = report.KnockUnauthorized
	case answer.Status == http.StatusTooManyRequests:
		state = report.KnockRateLimited
	case answer.Status >= http.StatusInternalServerError:
		state = report.KnockUnreachable
	}
	if state != report.KnockReachable {
		problem = explain(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.knock.State != state {
		h.knock.Since = at
	}
	h.knock.State, h.knock.Problem = state, problem
}

// Knock is what the source's latest calls say of Knock; while deliveries are paused for the API key, that.
func (p *Pool) Knock() report.Knock {
	p.health.mu.Lock()
	defer p.health.mu.Unlock()
	seen := p.health.knock
	if seen.State == "" {
		seen.State = report.KnockIdle
	}
	if reason := p.pause.because(); reason != "" {
		seen.State, seen.Problem = report.KnockUnauthorized, reason
	}
	return seen
}
