// SPDX-License-Identifier: Apache-2.0

// Package document defines the compiled document: everything that an ingest process needs to run one Source with its
// ActionMappings. The operator and `doorbell dev` write documents, and the ingest process runs them. A document must
// never contain a secret. Credentials contain the secrets, and the process gets them separately.
package document

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Document is one Source with its mappings. Defaults are filled in, and the default mappings of the template are
// included.
type Document struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Type is the source type, which names the template, such as RudderStack.
	Type string `json:"type"`

	Knock        Knock         `json:"knock"`
	Event        Event         `json:"event"`
	Verification *Verification `json:"verification,omitempty"`
	Delivery     Delivery      `json:"delivery"`
	EventLog     EventLog      `json:"eventLog"`
	Mappings     []Mapping     `json:"mappings"`
}

// Ref returns NAMESPACE/NAME, which names the source in logs and messages.
func (d *Document) Ref() string { return d.Namespace + "/" + d.Name }

// Version returns a hash of the content: equal documents have equal versions.
func (d *Document) Version() string {
	encoded, err := json.Marshal(d)
	if err != nil { // cannot happen: a Document holds only plain values
		panic(fmt.Sprintf("document: %v", err))
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:8])
}

// Knock says which Knock environment to call.
type Knock struct {
	// BaseURL is the URL of Knock's API, without a trailing slash and without /v1.
	BaseURL string `json:"baseURL"`
	// Branch is sent as the header X-Knock-Branch. If it is empty, the header is not sent.
	Branch string `json:"branch,omitempty"`
}

// Event says how to read an event. Type, Timestamp, IdempotencyKey and OrderingKey are expressions.
type Event struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp,omitempty"`
	// Exact makes Doorbell compare event types byte by byte. Otherwise Doorbell normalizes them first.
	Exact bool `json:"exact,omitempty"`
	// IdempotencyKey is empty if the source does not detect duplicates.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	// Window is the dedupe window: how long Doorbell remembers an idempotency key.
	Window time.Duration `json:"window"`
	// OrderingKey is empty if Doorbell uses the idempotency key as the ordering key.
	OrderingKey string `json:"orderingKey,omitempty"`
	// Preprocess lists named values in the order in which they are evaluated.
	Preprocess []Step `json:"preprocess,omitempty"`
}

// Field is the name of a field and the expression that yields its value.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Step is one entry of Preprocess.
type Step struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Default marks a step that comes from the template.
	Default bool `json:"default,omitempty"`
}

// Delivery limits the calls to Knock.
type Delivery struct {
	// Concurrency is the maximum number of concurrent calls.
	Concurrency int `json:"concurrency"`
	// Timeout limits a single call.
	Timeout time.Duration `json:"timeout"`
	// RetryFor is how long Doorbell retries an event before it dead-letters the event.
	RetryFor time.Duration `json:"retryFor"`
	// RateLimits are calls per second by action name. For an action without an entry, Doorbell uses the rate limit that
	// Knock publishes.
	RateLimits map[string]int32 `json:"rateLimits,omitempty"`
	// Suspend pauses deliveries. Doorbell still accepts events.
	Suspend bool `json:"suspend,omitempty"`
}

// EventLog limits what the event log stores.
type EventLog struct {
	MaxEvents int           `json:"maxEvents"`
	Retention time.Duration `json:"retention"`
	// OmitPayloads keeps payloads and request bodies out of the log.
	OmitPayloads bool `json:"omitPayloads,omitempty"`
	// Redact lists paths, such as body.traits.email. The log hides their values.
	Redact []string `json:"redact,omitempty"`
}

// Credentials are the secrets of one source. Doorbell never logs them. They are never part of a document or of its
// version.
type Credentials struct {
	// Tokens are the valid last segments of the ingestion URL. There are two while a token is rotated.
	Tokens []string
	// APIKey is Knock's secret API key. While it is empty, Doorbell does not deliver events.
	APIKey string
	// Verification is the secret that the sender shares. For the scheme basic it is USER:PASSWORD.
	Verification string
	// FormerVerification is the secret before the latest change of Verification. It stays valid for VerificationOverlap
	// and is then empty.
	FormerVerification string
}
