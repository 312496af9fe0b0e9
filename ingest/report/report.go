// SPDX-License-Identifier: Apache-2.0

// Package report defines the JSON that an ingest process serves at GET /status on its admin port. Each field says what
// the process observes itself: which configuration it runs, and whether it reaches Redis and Knock. Package ingest
// writes the report; the operator reads it from every pod and turns it into conditions of the Source. Every client that
// reaches the admin port can read the report, so it must never contain a secret.
package report

import "time"

// Report is the status of one ingest process.
type Report struct {
	// Program is the version of Doorbell.
	Program       string        `json:"program"`
	Configuration Configuration `json:"configuration"`
	Redis         Redis         `json:"redis"`
	Knock         Knock         `json:"knock"`
	Delivery      Delivery      `json:"delivery"`
}

// Configuration describes the configuration that the process runs.
type Configuration struct {
	// Source is NAMESPACE/NAME of the Source. It is empty until a configuration is loaded.
	Source string `json:"source,omitempty"`
	// Version is the version of the compiled document that runs. It is empty until a configuration is loaded.
	Version string `json:"version,omitempty"`
	// Problem is why the process does not run the whole content of the configuration directory. It is empty if the
	// process does.
	Problem string `json:"problem,omitempty"`
	// APIKey reports whether the process has an API key for Knock.
	APIKey bool `json:"apiKey"`
	// TokenHashes are the hashes of the valid tokens, as TokenHash returns them.
	TokenHashes []string `json:"tokenHashes,omitempty"`
}

// RedisState is the result of the latest health check of Redis.
type RedisState string

// The states of Redis.
const (
	// RedisConnecting means that the first health check has not ended.
	RedisConnecting RedisState = "Connecting"
	// RedisConnected means that Redis answered.
	RedisConnected RedisState = "Connected"
	// RedisUnavailable means that Redis did not answer, answered with an error, or has fewer replicas than must confirm
	// an event. Events are rejected with status 429.
	RedisUnavailable RedisState = "Unavailable"
)

// Redis describes Redis as the process observes it.
type Redis struct {
	State RedisState `json:"state"`
	// Durable reports whether Redis persists every write before it acknowledges it: it has an append-only file, syncs
	// it on every write, and evicts nothing.
	Durable bool `json:"durable"`
	// Problem is why Redis is unavailable, or which setting makes it not durable and which value it should have.
	Problem string `json:"problem,omitempty"`
}

// KnockState summarizes the latest calls to Knock.
type KnockState string

// The states of Knock.
const (
	// KnockIdle means that the process has not called Knock yet.
	KnockIdle KnockState = "Idle"
	// KnockReachable means that Knock answered the most recent calls.
	KnockReachable KnockState = "Reachable"
	// KnockUnauthorized means that Knock rejected the API key, and that deliveries are paused.
	KnockUnauthorized KnockState = "Unauthorized"
	// KnockRateLimited means that Knock answers with status 429.
	KnockRateLimited KnockState = "RateLimited"
	// KnockUnreachable means that Knock does not answer, or answers with a 5xx status.
	KnockUnreachable KnockState = "Unreachable"
)

// Knock describes Knock as the process observes it.
type Knock struct {
	State KnockState `json:"state"`
	// Since is when the state began.
	Since time.Time `json:"since,omitzero"`
	// Problem is the error that caused the state. It is empty in the states Idle and Reachable.
	Problem string `json:"problem,omitempty"`
}

// Delivery describes the events of the source that are accepted and not finished. The process reads their number every 5
// seconds.
type Delivery struct {
	// Waiting is the number of these events, in all processes.
	Waiting int64 `json:"waiting"`
	// CatchUpSeconds is the forecast of the time until they and the events that arrive in the meantime are delivered. It
	// is 0 if the source is not behind, or if Growing is true. During a pause, it is the time after the pause.
	CatchUpSeconds int64 `json:"catchUpSeconds"`
	// Growing reports that the source is behind and never catches up at the present rate of arrivals.
	Growing bool `json:"growing,omitempty"`
}
