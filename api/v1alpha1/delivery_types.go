// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IdempotencyMode defines whether Doorbell detects duplicates.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type IdempotencyMode string

// The idempotency modes.
const (
	// IdempotencyEnabled acknowledges a duplicate without delivering it again.
	IdempotencyEnabled IdempotencyMode = "Enabled"
	// IdempotencyDisabled delivers every event, including duplicates.
	IdempotencyDisabled IdempotencyMode = "Disabled"
)

// Idempotency defines which events are duplicates. An event is a duplicate if the same Source accepted an event with the
// same idempotency key and the same type within the window. Doorbell acknowledges a duplicate and records it in the event
// log, but makes no calls for it.
type Idempotency struct {
	// key is the expression that yields the idempotency key. An event whose key is not a string of 1 to 255 characters is
	// never a duplicate. Types other than Custom have a default.
	//
	// +optional
	Key Expression `json:"key,omitempty"`

	// mode enables or disables the detection of duplicates.
	//
	// +optional
	// +default="Enabled"
	Mode IdempotencyMode `json:"mode,omitempty"`

	// window is how long Doorbell remembers a key, from 1s to 720h (30 days). The effective window can be up to one eighth
	// longer.
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="invalid duration: use a value from 1s to 720h, such as 24h"
	Window *metav1.Duration `json:"window,omitempty"`
}

// Ordering defines which events Doorbell delivers in order.
//
// +kubebuilder:validation:MinProperties=1
type Ordering struct {
	// key is the expression that yields the ordering key. Doorbell delivers events with the same ordering key one after
	// another, in the order in which it accepted them. For RudderStack, the default is userId, or anonymousId if userId is
	// missing or empty.
	//
	// +optional
	Key Expression `json:"key,omitempty"`
}

// Delivery limits the calls to Knock.
type Delivery struct {
	// concurrency is the maximum number of concurrent calls of each pod.
	//
	// +optional
	// +default=64
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	Concurrency int32 `json:"concurrency,omitempty"`

	// timeout is the time limit of a single call, from 1s to 60s.
	//
	// +optional
	// +default="10s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) >= duration('1s') && duration(self) <= duration('60s')",message="invalid duration: use a value from 1s to 60s, such as 10s"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// retryFor is how long Doorbell retries an event after the first attempt before it dead-letters the event, from 0s to
	// 720h (30 days). With 0s, there is only one attempt. Time during which deliveries are suspended, or paused because
	// Knock rejects the API key, is not included.
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) <= duration('720h')",message="invalid duration: use a value from 0s to 720h, such as 24h"
	RetryFor *metav1.Duration `json:"retryFor,omitempty"`

	// rateLimits are calls per second for each action, such as {identifyUser: 30}, and bulkIdentify for bulk calls. Each
	// action without an entry has the rate limit that Knock publishes.
	//
	// +optional
	RateLimits RateLimits `json:"rateLimits,omitempty"`

	// suspend pauses deliveries. Doorbell still accepts and stores events.
	//
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// PayloadPolicy defines whether the event log contains payloads.
//
// +kubebuilder:validation:Enum=Stored;Omitted
type PayloadPolicy string

// The payload policies.
const (
	// PayloadsStored stores the payloads of events and the bodies of calls in the event log.
	PayloadsStored PayloadPolicy = "Stored"
	// PayloadsOmitted keeps payloads of events and bodies of calls out of the event log.
	PayloadsOmitted PayloadPolicy = "Omitted"
)

// EventLog limits what Doorbell keeps about finished events.
type EventLog struct {
	// maxEvents is the maximum number of finished events in the log.
	//
	// +optional
	// +default=10000
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	MaxEvents *int32 `json:"maxEvents,omitempty"`

	// retention is how long a finished event stays in the log, from 1s to 2160h (90 days).
	//
	// +optional
	// +default="168h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) >= duration('1s') && duration(self) <= duration('2160h')",message="invalid duration: use a value from 1s to 2160h, such as 168h"
	Retention *metav1.Duration `json:"retention,omitempty"`

	// payloads defines whether the log contains the payloads of events and the bodies of calls.
	//
	// +optional
	// +default="Stored"
	Payloads PayloadPolicy `json:"payloads,omitempty"`

	// redact lists paths whose values the log hides, such as body.traits.email.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Redact []BodyPath `json:"redact,omitempty"`
}

// BodyPath is a dotted path in the body of an event.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:XValidation:rule="self.matches('^body([.][A-Za-z0-9_$-]+)*$')",message="invalid path: it must start with body, such as body.traits.email"
type BodyPath string
