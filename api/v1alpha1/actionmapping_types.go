// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ActionMapping defines an action that Doorbell performs in Knock for each event of a type, such as identifying a user or
// triggering a workflow.
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

	// metadata is the standard object metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`

	// spec defines the desired state of the ActionMapping.
	//
	// +required
	Spec ActionMappingSpec `json:"spec,omitzero"`

	// status is the observed state of the ActionMapping.
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

// ActionMappingSpec defines which action Doorbell performs for which events. It has exactly one action.
//
// If several mappings match one event, Doorbell performs their actions in the order of the fields below, and mappings with
// the same action in the order of their names.
//
// The parameters of an action are expressions, unless their description says otherwise. If the value of a required
// parameter is missing, Doorbell skips the action and records the reason in the event log. If the value of an optional
// parameter is missing, Doorbell omits the parameter.
//
// +kubebuilder:validation:XValidation:rule="[has(self.identifyUser), has(self.deleteUser), has(self.mergeUser), has(self.setObject), has(self.deleteObject), has(self.setTenant), has(self.deleteTenant), has(self.subscribe), has(self.unsubscribe), has(self.addAudienceMember), has(self.removeAudienceMember), has(self.cancelWorkflow), has(self.triggerWorkflow)].exists(found, found)",message="no action: add exactly one of identifyUser, deleteUser, mergeUser, setObject, deleteObject, setTenant, deleteTenant, subscribe, unsubscribe, addAudienceMember, removeAudienceMember, cancelWorkflow and triggerWorkflow"
// +kubebuilder:validation:XValidation:rule="[has(self.identifyUser), has(self.deleteUser), has(self.mergeUser), has(self.setObject), has(self.deleteObject), has(self.setTenant), has(self.deleteTenant), has(self.subscribe), has(self.unsubscribe), has(self.addAudienceMember), has(self.removeAudienceMember), has(self.cancelWorkflow), has(self.triggerWorkflow)].filter(found, found).size() <= 1",messageExpression=`"found the actions " + ((has(self.identifyUser) ? " identifyUser" : "") + (has(self.deleteUser) ? " deleteUser" : "") + (has(self.mergeUser) ? " mergeUser" : "") + (has(self.setObject) ? " setObject" : "") + (has(self.deleteObject) ? " deleteObject" : "") + (has(self.setTenant) ? " setTenant" : "") + (has(self.deleteTenant) ? " deleteTenant" : "") + (has(self.subscribe) ? " subscribe" : "") + (has(self.unsubscribe) ? " unsubscribe" : "") + (has(self.addAudienceMember) ? " addAudienceMember" : "") + (has(self.removeAudienceMember) ? " removeAudienceMember" : "") + (has(self.cancelWorkflow) ? " cancelWorkflow" : "") + (has(self.triggerWorkflow) ? " triggerWorkflow" : "")).trim().replace(" ", " and ") + ": a mapping has exactly one action, so write one ActionMapping for each"`
type ActionMappingSpec struct {
	// sourceRef refers to the Source whose events the mapping applies to. The Source is in the same namespace.
	//
	// +required
	SourceRef SourceReference `json:"sourceRef,omitzero"`

	// event is the event type that the mapping matches, such as track/order_completed. A * at the end matches any rest, as
	// in track/*.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[^*]*[*]?$')",message="a * must be the last character: it matches the rest of the event type, as in track/*"
	Event string `json:"event,omitempty"`

	// when is an expression that yields true or false. Doorbell performs the action only if it is true. If the condition is
	// missing or fails, Doorbell skips the action and records the reason in the event log. If when is omitted, Doorbell
	// performs the action for every event that matches.
	//
	// +optional
	When Expression `json:"when,omitempty"`

	// active enables the mapping. If it is false, Doorbell does not run the mapping.
	//
	// +optional
	// +default=true
	Active *bool `json:"active,omitempty"`

	// identifyUser creates a user, or updates the given fields of an existing user.
	//
	// +optional
	IdentifyUser *IdentifyUser `json:"identifyUser,omitempty"`

	// deleteUser deletes a user.
	//
	// +optional
	DeleteUser *DeleteUser `json:"deleteUser,omitempty"`

	// mergeUser merges one user into another user, and deletes the first.
	//
	// +optional
	MergeUser *MergeUser `json:"mergeUser,omitempty"`

	// setObject creates an object, or updates the given fields of an existing object.
	//
	// +optional
	SetObject *SetObject `json:"setObject,omitempty"`

	// deleteObject deletes an object.
	//
	// +optional
	DeleteObject *DeleteObject `json:"deleteObject,omitempty"`

	// setTenant creates a tenant, or updates the given fields of an existing tenant.
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

	// unsubscribe deletes recipients' subscriptions to an object.
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

	// cancelWorkflow cancels the runs of a workflow that were triggered with the same cancellation key.
	//
	// +optional
	CancelWorkflow *CancelWorkflow `json:"cancelWorkflow,omitempty"`

	// triggerWorkflow triggers a workflow.
	//
	// +optional
	TriggerWorkflow *TriggerWorkflow `json:"triggerWorkflow,omitempty"`
}

// SourceReference refers to a Source in the same namespace.
type SourceReference struct {
	// name is the name of the Source.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="invalid Source name: use lower-case letters, digits, - and ., starting and ending with a letter or digit"
	Name string `json:"name,omitempty"`
}

// RateLimits is in this file, and not beside Delivery, because its rule lists the actions.

// RateLimits are calls per second, by the name of an action.
//
// +kubebuilder:validation:MaxProperties=14
// +kubebuilder:validation:XValidation:rule="self.all(k, k in ['identifyUser', 'deleteUser', 'mergeUser', 'setObject', 'deleteObject', 'setTenant', 'deleteTenant', 'subscribe', 'unsubscribe', 'addAudienceMember', 'removeAudienceMember', 'cancelWorkflow', 'triggerWorkflow', 'bulkIdentify'])",message="unknown action: use identifyUser, deleteUser, mergeUser, setObject, deleteObject, setTenant, deleteTenant, subscribe, unsubscribe, addAudienceMember, removeAudienceMember, cancelWorkflow, triggerWorkflow or bulkIdentify"
// +kubebuilder:validation:XValidation:rule="self.all(k, self[k] >= 1)",message="a rate limit must be at least 1 call per second: to pause deliveries, set delivery.suspend"
type RateLimits map[string]int32

// ActionMappingStatus is the observed state of an ActionMapping.
type ActionMappingStatus struct {
	// conditions contain Ready. Reconciling and Stalled are present only while they are True.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation of the spec that this status describes.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// configuration is the version of the Source's configuration with which every pod first ran this generation of the
	// mapping. It is absent until every pod runs it.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Configuration string `json:"configuration,omitempty"`
}
