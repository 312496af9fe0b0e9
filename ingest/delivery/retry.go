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
	maxBackoff   = 5 * time.Minute
)

// outcome is what an attempt means for its call.
type outcome int

const (
	succeeded   outcome = iota
	transient           // failed, but the same request may succeed later
	permanent           // failed, and the same request would fail again
	keyRejected         // Knock rejects the API key
	deferred            // not attempted, because of the rate limit or the pause
	abandoned           // not attempted or interrupted, because the lease is lost or the process stops
)

// classify returns the outcome of an attempt from its error. ctx is the context of the work on the event. repeated says that an
// earlier attempt at the same call may have reached Knock.
func classify(ctx context.Context, request knock.Request, err error, repeated bool) outcome {
	answer, answered := errors.AsType[*knock.Error](err)
	switch {
	case err == nil:
		return succeeded
	case ctx.Err() != nil:
		return abandoned
	case !answered:
		return transient
	case answer.Status == http.StatusUnauthorized || answer.Status == http.StatusForbidden:
		return keyRejected
	case answer.Temporary():
		return transient
	case repeated && request.Endpoint.RetryRule() == knock.RetryNotFoundIsSuccess && answer.Status == http.StatusNotFound:
		return succeeded // the earlier attempt has removed it
	default:
		return permanent
	}
}

// explain returns the text of an error for the event log, with a hint on how to fix it if there is one.
func explain(err error) string {
	if answer, ok := errors.AsType[*knock.Error](err); ok && answer.Hint() != "" {
		return fmt.Sprintf("%v; %s", err, answer.Hint())
	}
	return err.Error()
}

// backoff returns how long to wait after an event has failed n times before: a random time up to 1 s · 2ⁿ and at most five minutes,
// but at least as long as Knock's Retry-After. The random part spreads the retries of events that failed together.
func backoff(n int, err error) time.Duration {
	limit := maxBackoff
	if n < 16 {
		limit = min(firstBackoff<<n, maxBackoff)
	}
	wait := rand.N(limit + 1) //nolint:gosec // the jitter is not a secret
	if answer, ok := errors.AsType[*knock.Error](err); ok {
		wait = max(wait, answer.RetryAfter)
	}
	return wait
}
