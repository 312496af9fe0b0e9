// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// APIKey is the key that a Knock takes unless WithAPIKey names another.
const APIKey = "sk_test_knocktest"

// Option changes a Knock before it answers.
type Option func(*Knock)

// WithAPIKey has the fake take this key only; see also Knock.SetAPIKey.
func WithAPIKey(key string) Option { return func(k *Knock) { k.apiKey = key } }

// WithWorkflows has triggers of workflows other than these refused with workflow_missing.
func WithWorkflows(keys ...string) Option {
	return func(k *Knock) { k.world.workflows = append([]string{}, keys...) }
}

// WithAudiences creates audiences without members.
func WithAudiences(keys ...string) Option {
	return func(k *Knock) {
		for _, key := range keys {
			k.world.members[key] = map[string]bool{}
		}
	}
}

// WithFailedRows has bulk identifies fail for these users.
func WithFailedRows(ids ...string) Option {
	return func(k *Knock) {
		for _, id := range ids {
			k.world.failRows[id] = true
		}
	}
}

// WithRateLimits refuses with 429 what exceeds Knock's published limits, or those given instead, in calls a second of
// the clock by endpoint.
func WithRateLimits(instead map[knock.Endpoint]int) Option {
	return func(k *Knock) {
		k.limited = true
		for index := range k.routes {
			if rate, ok := instead[k.routes[index].endpoint]; ok {
				k.routes[index].rate = rate
			}
		}
	}
}

// WithClock replaces the system's clock, for rate limits and the life of idempotency keys.
func WithClock(now func() time.Time) Option { return func(k *Knock) { k.world.now = now } }

// WithHistory keeps only the latest calls and runs, for a process that serves many.
func WithHistory(limit int) Option { return func(k *Knock) { k.history = limit } }
