// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Source receives events from one sender at an ingestion URL of its own, and makes the calls to Knock that its
// ActionMappings define. Use one namespace for each Knock environment.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=doorbell
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Host",type=string,JSONPath=`.status.host`
// +kubebuilder:printcolumn:name="Mappings",type=integer,JSONPath=`.status.mappings.accepted`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="invalid name: the names of Services and pods contain the name of the Source, so use at most 40 lower-case letters, digits and hyphens, starting with a letter and not ending with a hyphen"
type Source struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec defines the desired state of the Source.
	//
	// +required
	Spec SourceSpec `json:"spec,omitzero"`

	// status is the observed state of the Source.
	//
	// +optional
	Status SourceStatus `json:"status,omitempty,omitzero"`
}

// SourceList is a list of Sources.
//
// +kubebuilder:object:root=true
type SourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Source `json:"items"`
}

// SourceType is the kind of sender. Each type is defined by a template, which is a file in ingest/template.
//
// +kubebuilder:validation:Enum=RudderStack;Custom
type SourceType string

// The source types that code refers to. A new source type needs its name in the enum above, but no constant.
const (
	// SourceTypeRudderStack reads the events of RudderStack's Webhook destinations.
	SourceTypeRudderStack SourceType = "RudderStack"
	// SourceTypeCustom reads JSON events of any sender. The Source defines how.
	SourceTypeCustom SourceType = "Custom"
)

// EventMatching defines how event types are compared.
//
// +kubebuilder:validation:Enum=Normalized;Exact
type EventMatching string

// The ways to compare event types.
const (
	// EventMatchingNormalized ignores case, spaces, hyphens and underscores after the first slash, so that
	// track/order_completed matches "track/Order Completed".
	EventMatchingNormalized EventMatching = "Normalized"
	// EventMatchingExact compares event types character by character.
	EventMatchingExact EventMatching = "Exact"
)

// SourceSpec defines which sender sends events, how Doorbell reads them, and how it delivers them.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'Custom' || has(self.eventType)",fieldPath=".eventType",message="type Custom requires eventType: the expression that yields the type of an event, such as body.type"
// +kubebuilder:validation:XValidation:rule="has(self.redis) && has(self.redis.external) || has(oldSelf.redis) && has(oldSelf.redis.external) || self.?redis.?managed.?storage.?size.hasValue() == oldSelf.?redis.?managed.?storage.?size.hasValue() && self.?redis.?managed.?storage.?className.hasValue() == oldSelf.?redis.?managed.?storage.?className.hasValue()",fieldPath=".redis",message="the volume cannot change after it is created: restore redis.managed.storage, and resize the PersistentVolumeClaim data-NAME-redis-0 or create a new Source instead"
type SourceSpec struct {
	// type is the kind of sender. RudderStack needs no other settings to read events. Custom requires eventType, and
	// should have idempotency.key and ordering.key.
	//
	// +required
	Type SourceType `json:"type,omitempty"`

	// knock defines which Knock environment to call.
	//
	// +required
	Knock Knock `json:"knock,omitzero"`

	// eventType is the expression that yields the type of an event. It is required for type Custom. Other types have a
	// default.
	//
	// +optional
	EventType Expression `json:"eventType,omitempty"`

	// timestamp is the expression that yields the time at which an event happened. Types other than Custom have a default.
	//
	// +optional
	Timestamp Expression `json:"timestamp,omitempty"`

	// eventMatching defines how the event of a mapping is compared with the type of an event. Normalized ignores case,
	// spaces, hyphens and underscores after the first slash, so that track/order_completed matches
	// "track/Order Completed". Exact compares character by character.
	//
	// +optional
	// +default="Normalized"
	EventMatching EventMatching `json:"eventMatching,omitempty"`

	// idempotency defines which events are duplicates of earlier events.
	//
	// +optional
	// +default={}
	Idempotency Idempotency `json:"idempotency,omitempty,omitzero"`

	// ordering defines which events Doorbell delivers in order.
	//
	// +optional
	Ordering Ordering `json:"ordering,omitzero"`

	// preprocess defines named values for use in expressions. An expression refers to the value of NAME as
	// preprocess.NAME. Doorbell evaluates the values in order, and each of them can use the earlier ones.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Preprocess []PreprocessStep `json:"preprocess,omitempty"`

	// verification defines how the sender proves who it is, in addition to the token in the URL.
	//
	// +optional
	Verification *Verification `json:"verification,omitempty"`

	// defaultMappings lists the default mappings that run in addition to your ActionMappings. If it is omitted, all default
	// mappings of the type run. With [], none run. Type RudderStack has identify-user and order-completed.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	DefaultMappings *[]string `json:"defaultMappings,omitempty"`

	// delivery limits the calls to Knock.
	//
	// +optional
	// +default={}
	Delivery Delivery `json:"delivery,omitempty,omitzero"`

	// eventLog limits what Doorbell keeps about events that are finished.
	//
	// +optional
	// +default={}
	EventLog EventLog `json:"eventLog,omitempty,omitzero"`

	// endpoint defines the ingestion URL, to which the sender posts events.
	//
	// +optional
	// +default={}
	Endpoint Endpoint `json:"endpoint,omitempty,omitzero"`

	// redis defines where Doorbell stores events until they are delivered.
	//
	// +optional
	Redis Redis `json:"redis,omitempty,omitzero"`

	// ingest configures the pods that receive and deliver events.
	//
	// +optional
	Ingest Ingest `json:"ingest,omitempty,omitzero"`
}

// Knock defines which Knock environment to call.
type Knock struct {
	// apiKeySecretRef refers to the secret API key of the Knock environment (sk_...).
	//
	// +required
	APIKeySecretRef SecretKeyReference `json:"apiKeySecretRef,omitzero"`

	// baseURL is the URL of Knock's API, without /v1.
	//
	// +optional
	// +default="https://api.knock.app"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != '' && !self.matches('[?#@]')",message="invalid URL: use http or https, without user, query or fragment, such as https://api.knock.app"
	// +kubebuilder:validation:XValidation:rule="!self.matches('/v1/*$')",message="remove /v1, because Doorbell adds it: write https://api.knock.app"
	BaseURL string `json:"baseURL,omitempty"`

	// branch is the slug of a Knock branch. If it is omitted, Doorbell calls the environment itself.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-~]+$')",message="invalid branch: use the slug of the branch, which contains only ASCII characters and no spaces"
	Branch string `json:"branch,omitempty"`
}

// PreprocessStep defines a named value.
type PreprocessStep struct {
	// name is the name of the value. Expressions refer to it as preprocess.NAME.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",message="invalid name: use only letters, digits and _, and do not start with a digit"
	Name string `json:"name,omitempty"`

	// value is the expression that yields the value. If it fails, preprocess.NAME is missing, and Doorbell records the
	// reason in the event log.
	//
	// +required
	Value Expression `json:"value,omitempty"`
}
