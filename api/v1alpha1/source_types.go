// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Source receives the events of one sender at a URL of its own and makes the Knock calls that ActionMappings ask for.
// Its namespace stands for a Knock environment.
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
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="a Source's name becomes part of the names of Services and pods: at most 40 lower-case letters, digits and -, beginning with a letter"
type Source struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is what you ask for.
	//
	// +required
	Spec SourceSpec `json:"spec,omitzero"`

	// status is what Doorbell sees.
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

// SourceType names the template that a Source is made from.
//
// +kubebuilder:validation:Enum=RudderStack;Custom
type SourceType string

// The source types.
const (
	// SourceTypeRudderStack understands what RudderStack's Webhook destination sends.
	SourceTypeRudderStack SourceType = "RudderStack"
	// SourceTypeCustom knows nothing of the sender: the spec says how to read its events.
	SourceTypeCustom SourceType = "Custom"
)

// EventMatching says how event types are compared.
//
// +kubebuilder:validation:Enum=Normalized;Exact
type EventMatching string

// The ways to compare event types.
const (
	// EventMatchingNormalized ignores case, spaces, hyphens and underscores after the first slash.
	EventMatchingNormalized EventMatching = "Normalized"
	// EventMatchingExact compares as is.
	EventMatchingExact EventMatching = "Exact"
)

// SourceSpec says what sends events, how to read them and how to deliver them.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'Custom' || has(self.eventType)",fieldPath=".eventType",message="type Custom needs eventType: the expression that finds an event's type, such as body.type"
// +kubebuilder:validation:XValidation:rule="has(self.redis) && has(self.redis.external) || has(oldSelf.redis) && has(oldSelf.redis.external) || self.?redis.?managed.?storage.?size.hasValue() == oldSelf.?redis.?managed.?storage.?size.hasValue() && self.?redis.?managed.?storage.?className.hasValue() == oldSelf.?redis.?managed.?storage.?className.hasValue()",fieldPath=".redis",message="the volume is made once: put redis.managed.storage back as it was, and resize the PersistentVolumeClaim data-NAME-redis-0 instead, or move to a new Source"
type SourceSpec struct {
	// type names the sender. RudderStack brings everything that its events need; Custom needs eventType, and should
	// have idempotency.key and ordering.key.
	//
	// +required
	Type SourceType `json:"type,omitempty"`

	// knock says which Knock environment to call.
	//
	// +required
	Knock Knock `json:"knock,omitzero"`

	// eventType is the expression that finds an event's type. Required for Custom; the template has it otherwise.
	//
	// +optional
	EventType Expression `json:"eventType,omitempty"`

	// timestamp is the expression that finds the time at which an event happened. The template has it unless Custom.
	//
	// +optional
	Timestamp Expression `json:"timestamp,omitempty"`

	// eventMatching says how a mapping's event meets an event's type. Normalized ignores case, spaces, hyphens and
	// underscores after the first slash, so that track/order_completed meets "track/Order Completed"; Exact does not.
	//
	// +optional
	// +default="Normalized"
	EventMatching EventMatching `json:"eventMatching,omitempty"`

	// idempotency says which events are copies of earlier ones.
	//
	// +optional
	// +default={}
	Idempotency Idempotency `json:"idempotency,omitempty,omitzero"`

	// ordering says which events must run one after the other.
	//
	// +optional
	Ordering Ordering `json:"ordering,omitzero"`

	// preprocess gives names to values that several mappings use: the value of NAME is preprocess.NAME. They are worked
	// out in order, and a later one may use an earlier.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Preprocess []PreprocessStep `json:"preprocess,omitempty"`

	// verification says how the sender proves itself, besides knowing the URL.
	//
	// +optional
	Verification *Verification `json:"verification,omitempty"`

	// defaultMappings lists which of the template's own mappings run, beside your ActionMappings. Leave it out for all,
	// write [] for none. RudderStack has identify-user and order-completed.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	DefaultMappings *[]string `json:"defaultMappings,omitempty"`

	// delivery bounds the calls to Knock.
	//
	// +optional
	// +default={}
	Delivery Delivery `json:"delivery,omitempty,omitzero"`

	// eventLog bounds what is remembered of each event and what happened to it.
	//
	// +optional
	// +default={}
	EventLog EventLog `json:"eventLog,omitempty,omitzero"`

	// endpoint says at which URL the sender posts its events.
	//
	// +optional
	// +default={}
	Endpoint Endpoint `json:"endpoint,omitempty,omitzero"`

	// redis says where events are kept until they are delivered.
	//
	// +optional
	Redis Redis `json:"redis,omitempty,omitzero"`

	// ingest shapes the pods that receive and deliver events.
	//
	// +optional
	Ingest Ingest `json:"ingest,omitempty,omitzero"`
}

// Knock says which Knock environment to call.
type Knock struct {
	// apiKeySecretRef names the Secret, and the key in it, that holds Knock's secret API key (sk_…).
	//
	// +required
	APIKeySecretRef SecretKeyReference `json:"apiKeySecretRef,omitzero"`

	// baseURL of Knock's API, without /v1.
	//
	// +optional
	// +default="https://api.knock.app"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHost() != '' && !self.matches('[?#@]')",message="write an http or https URL without user, query or fragment, such as https://api.knock.app"
	// +kubebuilder:validation:XValidation:rule="!self.matches('/v1/*$')",message="leave /v1 away: Doorbell adds it, as in https://api.knock.app"
	BaseURL string `json:"baseURL,omitempty"`

	// branch of the environment to work on. Leave it out for the environment itself.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:XValidation:rule="self.matches('^[!-~]+$')",message="a branch is named by its slug: no spaces, no letters beyond ASCII"
	Branch string `json:"branch,omitempty"`
}

// PreprocessStep is a name and the expression that gives its value.
type PreprocessStep struct {
	// name by which expressions use the value: preprocess.NAME.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",message="a name is letters, digits and _, and does not begin with a digit"
	Name string `json:"name,omitempty"`

	// value is the expression. When it fails, preprocess.NAME is missing, and the event log says why.
	//
	// +required
	Value Expression `json:"value,omitempty"`
}
