// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AddAudienceMember adds users to a static audience.
type AddAudienceMember struct {
	// audience to add to: its key, or = and an expression.
	//
	// +required
	Audience KeyOrExpression `json:"audience,omitempty"`

	// members to add: one, or a list, of user id or object with an id.
	//
	// +required
	Members Expression `json:"members,omitempty"`

	// tenant in which they are members.
	//
	// +optional
	Tenant Expression `json:"tenant,omitempty"`

	// createAudience creates the audience when it does not exist. It is true or false, not an expression.
	//
	// +optional
	CreateAudience bool `json:"createAudience,omitempty"`
}

// RemoveAudienceMember removes users from a static audience.
type RemoveAudienceMember struct {
	// audience to remove from: its key, or = and an expression.
	//
	// +required
	Audience KeyOrExpression `json:"audience,omitempty"`

	// members to remove: one, or a list, of user id or object with an id.
	//
	// +required
	Members Expression `json:"members,omitempty"`

	// tenant in which they are members.
	//
	// +optional
	Tenant Expression `json:"tenant,omitempty"`
}

// CancelWorkflow cancels workflow runs.
type CancelWorkflow struct {
	// workflow to cancel: its key, or = and an expression.
	//
	// +required
	Workflow KeyOrExpression `json:"workflow,omitempty"`

	// cancellationKey with which the runs were triggered.
	//
	// +required
	CancellationKey Expression `json:"cancellationKey,omitempty"`

	// recipients for whom to cancel. Leave it out for all.
	//
	// +optional
	Recipients Expression `json:"recipients,omitempty"`
}

// TriggerWorkflow triggers a workflow.
type TriggerWorkflow struct {
	// workflow to trigger: its key, or = and an expression.
	//
	// +required
	Workflow KeyOrExpression `json:"workflow,omitempty"`

	// recipients to notify: one, or a list, of user id, {collection, id}, or object with an id, which Knock identifies
	// on the way.
	//
	// +required
	Recipients Expression `json:"recipients,omitempty"`

	// dataFrom yields an object of data to start from, such as body.properties.
	//
	// +optional
	DataFrom Expression `json:"dataFrom,omitempty"`

	// data adds or replaces single fields of the data.
	//
	// +optional
	Data Fields `json:"data,omitempty"`

	// actor who caused the event.
	//
	// +optional
	Actor Expression `json:"actor,omitempty"`

	// tenant to run the workflow in.
	//
	// +optional
	Tenant Expression `json:"tenant,omitempty"`

	// cancellationKey by which a cancelWorkflow can find the run.
	//
	// +optional
	CancellationKey Expression `json:"cancellationKey,omitempty"`

	// settings are sandbox_mode and skip_delay, each an expression that yields true or false.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.all(k, k in ['sandbox_mode', 'skip_delay'])",message="a trigger's settings are sandbox_mode and skip_delay"
	Settings Fields `json:"settings,omitempty"`
}
