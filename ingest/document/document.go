// SPDX-License-Identifier: Apache-2.0

// Package document holds the compiled document: everything that one ingest process must know about one Source and its
// ActionMappings. The control plane and `doorbell dev` write documents, and the data plane runs them. A document never
// holds a secret: secrets travel separately, as Credentials.
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
	// Exact compares event types byte by byte. Otherwise they are normalized first.
	Exact bool `json:"exact,omitempty"`
	// IdempotencyKey is empty if the source does not detect duplicates.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	// Window is the dedupe window: how long Doorbell remembers an idempotency key.
	Window time.Duration `json:"window"`
	// OrderingKey is empty if the idempotency key serves as ordering key.
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
	// RateLimits are calls per second by action name. An action without an entry has the rate limit that Knock publishes.
	RateLimits map[string]int32 `json:"rateLimits,omitempty"`
	// Suspend pauses deliveries. Doorbell still accepts events.
	Suspend bool `json:"suspend,omitempty"`
}

// EventLog limits what the event log keeps about finished events.
type EventLog struct {
	MaxEvents int           `json:"maxEvents"`
	Retention time.Duration `json:"retention"`
	// OmitPayloads keeps payloads and request bodies out of the log.
	OmitPayloads bool `json:"omitPayloads,omitempty"`
	// Redact lists paths, such as body.traits.email. The log hides their values.
	Redact []string `json:"redact,omitempty"`
}

// Credentials are the secrets of one source. They are never logged, and they are never part of a document or its
// version.
type Credentials struct {
	// Tokens are the valid last segments of the ingestion URL. There are two while a token is rotated.
	Tokens []string
	// APIKey is Knock's secret API key. While it is empty, Doorbell does not deliver events.
	APIKey string
	// Verification is the secret that the sender shares. For the scheme basic it is USER:PASSWORD.
	Verification string
	// FormerVerification is the secret before the latest change of Verification. It stays valid for VerificationOverlap, and is empty
	// afterwards.
	FormerVerification string
}
