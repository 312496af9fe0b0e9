// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"io"
	"log"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Server is a fake that listens on the loopback interface until the test ends.
type Server struct {
	*Knock
	// URL is the base URL, without a path.
	URL string
}

// New starts a fake. The test fails if a request has a path with an empty or dot segment.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	k := Handler(options...)
	k.reportError = t.Errorf
	server := httptest.NewUnstartedServer(k)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would log clients that closed their connection
	server.Start()
	t.Cleanup(server.Close)
	return &Server{Knock: k, URL: server.URL}
}

// APIKey is the API key that a fake accepts by default.
const APIKey = "sk_test_knocktest"

// Option configures a new fake.
type Option func(*Knock)

// WithAPIKey makes the fake accept only this API key. See also Knock.SetAPIKey.
func WithAPIKey(key string) Option { return func(k *Knock) { k.apiKey = key } }

// WithWorkflows makes the fake reject triggers of all other workflows with the code workflow_missing. By default every
// workflow exists.
func WithWorkflows(keys ...string) Option {
	return func(k *Knock) { k.store.workflows = append([]string{}, keys...) }
}

// WithAudiences creates audiences without members.
func WithAudiences(keys ...string) Option {
	return func(k *Knock) {
		for _, key := range keys {
			k.store.members[key] = map[string]bool{}
		}
	}
}

// WithFailedRows makes the rows of these users fail in every bulk identify.
func WithFailedRows(ids ...string) Option {
	return func(k *Knock) {
		for _, id := range ids {
			k.store.failRows[id] = true
		}
	}
}

// WithSkippedRows makes the fake ignore the rows of these users in every bulk identify and name them in a header, as Knock
// does when a user changes too often.
func WithSkippedRows(ids ...string) Option {
	return func(k *Knock) {
		for _, id := range ids {
			k.store.skipRows[id] = true
		}
	}
}

// WithBulkDuration makes the fake complete each bulk identify this long after the call. By default it completes a bulk
// identify when the client polls it for the second time.
func WithBulkDuration(duration time.Duration) Option {
	return func(k *Knock) { k.store.bulkDuration = duration }
}

// WithRateLimits makes the fake reject calls above Knock's published limits with 429. Limits in overrides replace the
// published ones; they are in calls a second, counted in whole seconds of the clock. By default there are no limits.
func WithRateLimits(overrides map[knock.Endpoint]int) Option {
	return func(k *Knock) {
		k.limited = true
		for index := range k.routes {
			if rate, ok := overrides[k.routes[index].endpoint]; ok {
				k.routes[index].rate = rate
			}
		}
	}
}

// WithClock replaces the system's clock, which determines rate limits and the expiry of idempotency keys.
func WithClock(now func() time.Time) Option { return func(k *Knock) { k.store.now = now } }

// WithHistory keeps only the latest calls and runs, for programs that run for a long time. By default the fake keeps
// all.
func WithHistory(limit int) Option { return func(k *Knock) { k.history = limit } }
