// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// SetObject creates an object, or updates the fields that are given.
type SetObject struct {
	// collection of the object: its name, or = and an expression.
	//
	// +required
	Collection KeyOrExpression `json:"collection,omitempty"`

	// id of the object within its collection.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// name to display.
	//
	// +optional
	Name Expression `json:"name,omitempty"`

	// propertiesFrom yields an object of custom properties to start from.
	//
	// +optional
	PropertiesFrom Expression `json:"propertiesFrom,omitempty"`

	// properties adds or replaces single custom properties; locale and timezone are among them.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['id', 'collection', 'name'])",message="id, collection and name are Knock's own: use the fields id, collection and name"
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['preferences', 'channel_data'])",message="preferences and channel_data are Knock's own and no custom properties: choose other names, or set them by Knock's API"
	Properties Fields `json:"properties,omitempty"`
}

// DeleteObject deletes an object.
type DeleteObject struct {
	// collection of the object: its name, or = and an expression.
	//
	// +required
	Collection KeyOrExpression `json:"collection,omitempty"`

	// id of the object within its collection.
	//
	// +required
	ID Expression `json:"id,omitempty"`
}

// Subscribe subscribes recipients to an object.
type Subscribe struct {
	// collection of the object: its name, or = and an expression. Tenants are in $tenants.
	//
	// +required
	Collection KeyOrExpression `json:"collection,omitempty"`

	// id of the object within its collection.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// recipients who subscribe: one, or a list, of user id, {collection, id}, or object with an id.
	//
	// +required
	Recipients Expression `json:"recipients,omitempty"`

	// propertiesFrom yields an object of properties of the subscription to start from.
	//
	// +optional
	PropertiesFrom Expression `json:"propertiesFrom,omitempty"`

	// properties adds or replaces single properties of the subscription.
	//
	// +optional
	Properties Fields `json:"properties,omitempty"`
}

// Unsubscribe ends recipients' subscriptions to an object.
type Unsubscribe struct {
	// collection of the object: its name, or = and an expression. Tenants are in $tenants.
	//
	// +required
	Collection KeyOrExpression `json:"collection,omitempty"`

	// id of the object within its collection.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// recipients whose subscriptions end: one, or a list, of user id or {collection, id}.
	//
	// +required
	Recipients Expression `json:"recipients,omitempty"`
}
