// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
)

// verdict is what an attempt means for its call.
type verdict int

const (
	succeeded verdict = iota
	transient         // it may pass; try the same bytes again
	permanent         // it cannot pass
	refused           // Knock does not take the API key
	deferred          // not attempted: the rate limit or the pause sends the user away
	abandoned         // not finished: the claim is lost or the process stops
)

// judge decides what an attempt's answer means. again tells that an earlier attempt may have reached Knock.
func judge(ctx context.Context, request knock.Request, err error, again bool) verdict {
	answer, answered := errors.AsType[*knock.Error](err)
	switch {
	case err == nil:
		return succeeded
	case ctx.Err() != nil:
		return abandoned
	case !answered:
		return transient
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return refused
	case answer.Temporary():
		return transient
	case again && request.Endpoint.RetryRule() == knock.RetryNotFoundIsSuccess && answer.Status == http.StatusNotFound:
		return succeeded // an earlier attempt removed the subject of the call
	default:
		return permanent
	}
}

// explain is an error for the event log, with what helps against it.
func explain(err error) string {
	if answer, ok := errors.AsType[*knock.Error](err); ok && answer.Hint() != "" {
		return fmt.Sprintf("%v; %s", err, answer.Hint())
	}
	return err.Error()
}

// backoff is how long to wait after the n-th failure in a row, counted from 0: anything up to 1 s · 2ⁿ, at most five
// minutes, and at least what Knock asks for.
func backoff(n int, err error) time.Duration {
	most := lastBackoff
	if n < 16 {
		most = min(firstBackoff<<n, lastBackoff)
	}
	wait := rand.N(most + 1) //nolint:gosec // jitter needs no secrecy
	if answer, ok := errors.AsType[*knock.Error](err); ok {
		wait = max(wait, answer.RetryAfter)
	}
	return wait
}
