// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IdempotencyMode says whether copies of an event are recognised.
//
// +kubebuilder:validation:Enum=Enabled;Disabled
type IdempotencyMode string

// The idempotency modes.
const (
	IdempotencyEnabled  IdempotencyMode = "Enabled"
	IdempotencyDisabled IdempotencyMode = "Disabled"
)

// Idempotency says which events are copies of earlier ones: equal key, equal type, same Source, within the window. A
// copy is acknowledged and logged as a duplicate, and causes no call.
type Idempotency struct {
	// key is the expression that identifies an event. An event whose key is not a string of 1 to 255 characters is
	// processed as if it were the only one. The template has a key unless Custom.
	//
	// +optional
	Key Expression `json:"key,omitempty"`

	// mode Disabled processes every copy.
	//
	// +optional
	// +default="Enabled"
	Mode IdempotencyMode `json:"mode,omitempty"`

	// window is how long a key is remembered: 1s to 720h (30 days). It may turn out up to an eighth longer.
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="write a duration from 1s to 720h, such as 24h"
	Window *metav1.Duration `json:"window,omitempty"`
}

// Ordering says which events must run one after the other.
//
// +kubebuilder:validation:MinProperties=1
type Ordering struct {
	// key is the expression whose value names a lane: events with equal keys run in the order in which they were
	// accepted. RudderStack's is the userId, else the anonymousId.
	//
	// +optional
	Key Expression `json:"key,omitempty"`
}

// Delivery bounds the calls to Knock.
type Delivery struct {
	// concurrency is how many calls may be under way at once, in each pod.
	//
	// +optional
	// +default=64
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	Concurrency int32 `json:"concurrency,omitempty"`

	// timeout ends a single call: 1s to 60s.
	//
	// +optional
	// +default="10s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) >= duration('1s') && duration(self) <= duration('60s')",message="write a duration from 1s to 60s, such as 10s"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// retryFor is how long an event is retried after its first attempt before it is dead-lettered, at most 720h; 0s
	// tries once. Time during which deliveries are suspended or the API key is refused does not count.
	//
	// +optional
	// +default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) <= duration('720h')",message="write a duration from 0s to 720h, such as 24h"
	RetryFor *metav1.Duration `json:"retryFor,omitempty"`

	// rateLimits are calls a second by action, such as {identifyUser: 30}, and by bulkIdentify for bulk calls. An
	// action that is not named has Knock's published limit.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=14
	// +kubebuilder:validation:XValidation:rule="self.all(k, k in ['identifyUser', 'deleteUser', 'mergeUser', 'setObject', 'deleteObject', 'setTenant', 'deleteTenant', 'subscribe', 'unsubscribe', 'addAudienceMember', 'removeAudienceMember', 'cancelWorkflow', 'triggerWorkflow', 'bulkIdentify'])",message="name actions: identifyUser, deleteUser, mergeUser, setObject, deleteObject, setTenant, deleteTenant, subscribe, unsubscribe, addAudienceMember, removeAudienceMember, cancelWorkflow, triggerWorkflow or bulkIdentify"
	// +kubebuilder:validation:XValidation:rule="self.all(k, self[k] >= 1)",message="a limit is at least 1 call a second; to hold deliveries back, set delivery.suspend"
	RateLimits map[string]int32 `json:"rateLimits,omitempty"`

	// suspend holds deliveries back. Events are still accepted and kept.
	//
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// PayloadPolicy says whether the event log keeps payloads.
//
// +kubebuilder:validation:Enum=Stored;Omitted
type PayloadPolicy string

// The payload policies.
const (
	PayloadsStored  PayloadPolicy = "Stored"
	PayloadsOmitted PayloadPolicy = "Omitted"
)

// EventLog bounds what is remembered of finished events.
type EventLog struct {
	// maxEvents is how many finished events are kept.
	//
	// +optional
	// +default=10000
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	MaxEvents *int32 `json:"maxEvents,omitempty"`

	// retention is how long a finished event is kept, at most 2160h (90 days).
	//
	// +optional
	// +default="168h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self != '' && self.matches('^([0-9]{1,6}([.][0-9]+)?h)?([0-9]{1,7}([.][0-9]+)?m)?([0-9]{1,9}([.][0-9]+)?s)?([0-9]{1,9}([.][0-9]+)?ms)?$') && duration(self) >= duration('1s') && duration(self) <= duration('2160h')",message="write a duration from 1s to 2160h, such as 168h"
	Retention *metav1.Duration `json:"retention,omitempty"`

	// payloads Omitted keeps payloads and request bodies out of the log.
	//
	// +optional
	// +default="Stored"
	Payloads PayloadPolicy `json:"payloads,omitempty"`

	// redact lists paths, such as body.traits.email, whose values the log hides.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	Redact []BodyPath `json:"redact,omitempty"`
}

// BodyPath is a dotted path into an event's body.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:XValidation:rule="self.matches('^body([.][A-Za-z0-9_$-]+)*$')",message="write a path that begins with body, such as body.traits.email"
type BodyPath string
