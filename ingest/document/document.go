// SPDX-License-Identifier: Apache-2.0

// Package document holds the compiled document: everything one ingestion process must know of one Source and its
// ActionMappings, and the only thing the control plane hands to the data plane. It holds no secret: credentials travel
// apart (see Credentials).
package document

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Document is one Source with its mappings, defaults filled in and default mappings included.
type Document struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Type names the template the Source was made from, such as RudderStack.
	Type string `json:"type"`

	Knock        Knock         `json:"knock"`
	Event        Event         `json:"event"`
	Verification *Verification `json:"verification,omitempty"`
	Delivery     Delivery      `json:"delivery"`
	EventLog     EventLog      `json:"eventLog"`
	Mappings     []Mapping     `json:"mappings"`
}

// Ref is how people name the source: NAMESPACE/NAME.
func (d *Document) Ref() string { return d.Namespace + "/" + d.Name }

// Version is a hash of the content: equal documents have equal versions.
func (d *Document) Version() string {
	encoded, err := json.Marshal(d)
	if err != nil { // a Document holds only plain values
		panic(fmt.Sprintf("document: %v", err))
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:8])
}

// Knock says where the calls go.
type Knock struct {
	// BaseURL has no trailing slash and no /v1.
	BaseURL string `json:"baseURL"`
	// Branch is sent as X-Knock-Branch; empty sends none.
	Branch string `json:"branch,omitempty"`
}

// Event says how to read what arrives; the strings are expressions.
type Event struct {
	Type      string `json:"type"`
	Timestamp string `json:"timestamp,omitempty"`
	// Exact compares event types as they are; otherwise they are normalized first.
	Exact bool `json:"exact,omitempty"`
	// IdempotencyKey is empty when the source does not deduplicate.
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	// Window is how long a key is remembered.
	Window time.Duration `json:"window"`
	// OrderingKey is empty to use the idempotency key.
	OrderingKey string `json:"orderingKey,omitempty"`
	// Preprocess gives names to values, in order.
	Preprocess []Step `json:"preprocess,omitempty"`
}

// Field is a name and the expression that gives its value.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Step is one entry of Preprocess.
type Step struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Default marks a step that came with the source's template.
	Default bool `json:"default,omitempty"`
}

// Scheme is a way to verify a sender.
type Scheme string

// The verification schemes.
const (
	SchemeHeader Scheme = "headerSecret"
	SchemeBasic  Scheme = "basic"
	SchemeBearer Scheme = "bearer"
	SchemeHMAC   Scheme = "hmac"
)

// Verification says how a sender proves itself; the secret itself is in Credentials.
type Verification struct {
	Scheme Scheme `json:"scheme"`
	// Header carries the proof, in lower case: the secret or the signature; authorization for basic and bearer.
	Header string `json:"header"`
	// Encoding of an HMAC: Hex or Base64.
	Encoding string `json:"encoding,omitempty"`
	// Prefix precedes an HMAC in its header, such as "sha256=".
	Prefix string `json:"prefix,omitempty"`
	// Enforce refuses what fails; otherwise the failure is only recorded.
	Enforce bool `json:"enforce"`
}

// Delivery bounds the calls to Knock.
type Delivery struct {
	// Concurrency is how many calls may be under way at once.
	Concurrency int `json:"concurrency"`
	// Timeout ends a single call.
	Timeout time.Duration `json:"timeout"`
	// RetryFor is how long an event is retried before it is dead-lettered.
	RetryFor time.Duration `json:"retryFor"`
	// RateLimits are calls a second by action name; an action that is absent has Knock's published tier.
	RateLimits map[string]int32 `json:"rateLimits,omitempty"`
	// Suspend holds deliveries back; events are still accepted.
	Suspend bool `json:"suspend,omitempty"`
}

// EventLog bounds what is remembered of finished events.
type EventLog struct {
	MaxEvents int           `json:"maxEvents"`
	Retention time.Duration `json:"retention"`
	// OmitPayloads keeps payloads and request bodies out of the log.
	OmitPayloads bool `json:"omitPayloads,omitempty"`
	// Redact lists paths, such as body.traits.email, whose values the log hides.
	Redact []string `json:"redact,omitempty"`
}

// Credentials are the secrets of one source. They are never stored, logged or hashed into a version.
type Credentials struct {
	// Tokens are the valid last segments of the URL; two while one is being rotated out.
	Tokens []string
	// APIKey is Knock's secret key. While it is empty, deliveries are held.
	APIKey string
	// Verification is the sender's secret; for basic, USER:PASSWORD.
	Verification string
}
