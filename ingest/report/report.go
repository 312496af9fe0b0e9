// SPDX-License-Identifier: Apache-2.0

// Package report holds what an ingestion process says of itself at GET /status on its admin port. The operator asks for
// it; it holds no secret.
package report

import "time"

// Report is what one process says of itself.
type Report struct {
	// Program is the version of Doorbell that runs.
	Program       string        `json:"program"`
	Configuration Configuration `json:"configuration"`
	Redis         Redis         `json:"redis"`
	Knock         Knock         `json:"knock"`
}

// Configuration is what the process runs.
type Configuration struct {
	// Source is NAMESPACE/NAME; empty until a configuration is loaded.
	Source string `json:"source,omitempty"`
	// Version of the document that runs; empty until one does.
	Version string `json:"version,omitempty"`
	// Problem says why what lies in the folder does not run, or not all of it; empty when it does.
	Problem string `json:"problem,omitempty"`
	// APIKey says whether there is a key for Knock.
	APIKey bool `json:"apiKey"`
	// TokenHashes are the first 8 hexadecimal digits of the SHA-256 of each valid token.
	TokenHashes []string `json:"tokenHashes,omitempty"`
}

// RedisState says whether Redis answers.
type RedisState string

// The states of Redis.
const (
	RedisConnecting  RedisState = "Connecting"
	RedisConnected   RedisState = "Connected"
	RedisUnavailable RedisState = "Unavailable"
)

// Redis is what the process sees of Redis.
type Redis struct {
	State RedisState `json:"state"`
	// Durable says whether Redis keeps what it acknowledges: an append-only file, synced always, and nothing evicted.
	Durable bool `json:"durable"`
	// Problem says why Redis is unavailable or not durable, and which setting mends it.
	Problem string `json:"problem,omitempty"`
}

// KnockState says what the latest calls came to.
type KnockState string

// The states of Knock, as deliveries see it.
const (
	// KnockIdle means that no call was made yet.
	KnockIdle KnockState = "Idle"
	// KnockReachable means that the latest calls were answered.
	KnockReachable KnockState = "Reachable"
	// KnockUnauthorized means that deliveries wait since Knock refused the API key.
	KnockUnauthorized KnockState = "Unauthorized"
	// KnockRateLimited means that Knock answers 429.
	KnockRateLimited KnockState = "RateLimited"
	// KnockUnreachable means that Knock does not answer, or answers 5xx.
	KnockUnreachable KnockState = "Unreachable"
)

// Knock is what the process sees of Knock.
type Knock struct {
	State KnockState `json:"state"`
	// Since is when the state began.
	Since time.Time `json:"since,omitzero"`
	// Problem says what was answered; empty when all is well.
	Problem string `json:"problem,omitempty"`
}
