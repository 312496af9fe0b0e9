// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// AddAudienceMember adds users to a static audience.
type AddAudienceMember struct {
	// audience is the key of the audience, or = and an expression that yields the key.
	//
	// +required
	Audience KeyOrExpression `json:"audience,omitempty"`

	// members yields the users to add: one user or a list of users, each as an id or as an object with an id.
	//
	// +required
	Members Expression `json:"members,omitempty"`

	// tenant yields the id of the tenant in which the users are members of the audience.
	//
	// +optional
	Tenant Expression `json:"tenant,omitempty"`

	// createAudience creates the audience if it does not exist. It is true or false, not an expression.
	//
	// +optional
	CreateAudience bool `json:"createAudience,omitempty"`
}

// RemoveAudienceMember removes users from a static audience.
type RemoveAudienceMember struct {
	// audience is the key of the audience, or = and an expression that yields the key.
	//
	// +required
	Audience KeyOrExpression `json:"audience,omitempty"`

	// members yields the users to remove: one user or a list of users, each as an id or as an object with an id.
	//
	// +required
	Members Expression `json:"members,omitempty"`

	// tenant yields the id of the tenant in which the users are members of the audience.
	//
	// +optional
	Tenant Expression `json:"tenant,omitempty"`
}

// CancelWorkflow cancels runs of a workflow.
type CancelWorkflow struct {
	// workflow is the key of the workflow, or = and an expression that yields the key.
	//
	// +required
	Workflow KeyOrExpression `json:"workflow,omitempty"`

	// cancellationKey yields the cancellation key of the runs, which is the one that the triggerWorkflow action set.
	//
	// +required
	CancellationKey Expression `json:"cancellationKey,omitempty"`

	// recipients yields the recipients for whom the runs are canceled. If it is omitted, the runs are canceled for all
	// recipients.
	//
	// +optional
	Recipients Expression `json:"recipients,omitempty"`
}

// TriggerWorkflow triggers a workflow.
type TriggerWorkflow struct {
	// workflow is the key of the workflow, or = and an expression that yields the key.
	//
	// +required
	Workflow KeyOrExpression `json:"workflow,omitempty"`

	// recipients yields the recipients to notify: one recipient or a list of recipients. Each is the id of a user, an
	// object {collection, id}, or an object with the id and other fields of a user, whom Knock then also identifies.
	//
	// +required
	Recipients Expression `json:"recipients,omitempty"`

	// dataFrom yields an object whose fields become the data of the trigger, such as body.properties.
	//
	// +optional
	DataFrom Expression `json:"dataFrom,omitempty"`

	// data adds fields to the data, or replaces fields of dataFrom.
	//
	// +optional
	Data Fields `json:"data,omitempty"`

	// actor yields the user or object that caused the event.
	//
	// +optional
	Actor Expression `json:"actor,omitempty"`

	// tenant yields the id of the tenant for which the workflow runs.
	//
	// +optional
	Tenant Expression `json:"tenant,omitempty"`

	// cancellationKey yields a key with which a cancelWorkflow action can cancel the run.
	//
	// +optional
	CancellationKey Expression `json:"cancellationKey,omitempty"`

	// settings contains sandbox_mode and skip_delay. Each is an expression that yields true or false.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.all(k, k in ['sandbox_mode', 'skip_delay'])",message="unknown setting: a trigger has the settings sandbox_mode and skip_delay"
	Settings Fields `json:"settings,omitempty"`
}
