// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ActionMapping turns each event of one type into one action at Knock, such as identifying a user or triggering a
// workflow.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=doorbell
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.spec.sourceRef.name`
// +kubebuilder:printcolumn:name="Event",type=string,JSONPath=`.spec.event`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type ActionMapping struct {
	metav1.TypeMeta `json:",inline"`

	// metadata is the standard object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec is what you ask for.
	//
	// +required
	Spec ActionMappingSpec `json:"spec,omitzero"`

	// status is what Doorbell sees.
	//
	// +optional
	Status ActionMappingStatus `json:"status,omitempty,omitzero"`
}

// ActionMappingList is a list of ActionMappings.
//
// +kubebuilder:object:root=true
type ActionMappingList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ActionMapping `json:"items"`
}

// ActionMappingSpec says which events cause which action. Exactly one action is given. When several mappings meet one
// event, their actions run in the order in which the fields stand here, equal actions in the order of the mappings'
// names. A parameter is an expression unless it says otherwise. When a required one finds nothing, the action is
// skipped, and the event log says so; an optional one is left out.
//
// +kubebuilder:validation:ExactlyOneOf=identifyUser;deleteUser;mergeUser;setObject;deleteObject;setTenant;deleteTenant;subscribe;unsubscribe;addAudienceMember;removeAudienceMember;cancelWorkflow;triggerWorkflow
type ActionMappingSpec struct {
	// sourceRef names the Source whose events are meant, in the same namespace.
	//
	// +required
	SourceRef SourceReference `json:"sourceRef,omitzero"`

	// event is an event type, such as track/order_completed, or the beginning of one and a star, such as track/*.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^*]*[*]?$')",message="a * stands for the rest of the event type: write it at the end only, as in track/*"
	Event string `json:"event,omitempty"`

	// when is a boolean expression; only events for which it is true cause the action. Leave it out for all.
	//
	// +optional
	When Expression `json:"when,omitempty"`

	// active false switches the mapping off.
	//
	// +optional
	// +default=true
	Active *bool `json:"active,omitempty"`

	// identifyUser creates a user, or updates the fields that are given.
	//
	// +optional
	IdentifyUser *IdentifyUser `json:"identifyUser,omitempty"`

	// deleteUser deletes a user.
	//
	// +optional
	DeleteUser *DeleteUser `json:"deleteUser,omitempty"`

	// mergeUser merges one user into another and deletes the former.
	//
	// +optional
	MergeUser *MergeUser `json:"mergeUser,omitempty"`

	// setObject creates an object, or updates the fields that are given.
	//
	// +optional
	SetObject *SetObject `json:"setObject,omitempty"`

	// deleteObject deletes an object.
	//
	// +optional
	DeleteObject *DeleteObject `json:"deleteObject,omitempty"`

	// setTenant creates a tenant, or updates the fields that are given.
	//
	// +optional
	SetTenant *SetTenant `json:"setTenant,omitempty"`

	// deleteTenant deletes a tenant.
	//
	// +optional
	DeleteTenant *DeleteTenant `json:"deleteTenant,omitempty"`

	// subscribe subscribes recipients to an object.
	//
	// +optional
	Subscribe *Subscribe `json:"subscribe,omitempty"`

	// unsubscribe ends recipients' subscriptions to an object.
	//
	// +optional
	Unsubscribe *Unsubscribe `json:"unsubscribe,omitempty"`

	// addAudienceMember adds users to a static audience.
	//
	// +optional
	AddAudienceMember *AddAudienceMember `json:"addAudienceMember,omitempty"`

	// removeAudienceMember removes users from a static audience.
	//
	// +optional
	RemoveAudienceMember *RemoveAudienceMember `json:"removeAudienceMember,omitempty"`

	// cancelWorkflow cancels workflow runs that were triggered with the same cancellationKey.
	//
	// +optional
	CancelWorkflow *CancelWorkflow `json:"cancelWorkflow,omitempty"`

	// triggerWorkflow triggers a workflow.
	//
	// +optional
	TriggerWorkflow *TriggerWorkflow `json:"triggerWorkflow,omitempty"`
}

// SourceReference names a Source in the same namespace.
type SourceReference struct {
	// name of the Source.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="a Source's name is lower-case letters, digits, - and ."
	Name string `json:"name,omitempty"`
}

// ActionMappingStatus is what Doorbell sees of an ActionMapping.
type ActionMappingStatus struct {
	// conditions are Ready and, while they hold, Reconciling and Stalled.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status is about.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// configuration is the version of the Source's configuration in which every pod first ran this generation. It is absent
	// until then.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Configuration string `json:"configuration,omitempty"`
}
