// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// SetObject creates an object, or updates the given fields of an existing object.
type SetObject struct {
	// collection is the name of the object's collection, or = and an expression that yields the name.
	//
	// +required
	Collection KeyOrExpression `json:"collection,omitempty"`

	// id yields the id of the object in its collection.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// name yields the display name.
	//
	// +optional
	Name Expression `json:"name,omitempty"`

	// propertiesFrom yields an object whose fields become custom properties.
	//
	// +optional
	PropertiesFrom Expression `json:"propertiesFrom,omitempty"`

	// properties adds custom properties, or replaces properties of propertiesFrom. For an object, locale and timezone are
	// custom properties.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['id', 'collection', 'name'])",message="Knock reserves id, collection and name: use the fields id, collection and name of setObject"
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['preferences', 'channel_data'])",message="Knock reserves preferences and channel_data: use other names, or set them with Knock's API"
	Properties Fields `json:"properties,omitempty"`
}

// DeleteObject deletes an object.
type DeleteObject struct {
	// collection is the name of the object's collection, or = and an expression that yields the name.
	//
	// +required
	Collection KeyOrExpression `json:"collection,omitempty"`

	// id yields the id of the object in its collection.
	//
	// +required
	ID Expression `json:"id,omitempty"`
}

// Subscribe subscribes recipients to an object.
type Subscribe struct {
	// collection is the name of the object's collection, or = and an expression that yields the name. The collection of
	// tenants is $tenants.
	//
	// +required
	Collection KeyOrExpression `json:"collection,omitempty"`

	// id yields the id of the object in its collection.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// recipients yields the recipients to subscribe: one recipient or a list of recipients. Each is the id of a user, an
	// object {collection, id}, or an object with the id and other fields of a user.
	//
	// +required
	Recipients Expression `json:"recipients,omitempty"`

	// propertiesFrom yields an object whose fields become properties of the subscription.
	//
	// +optional
	PropertiesFrom Expression `json:"propertiesFrom,omitempty"`

	// properties adds properties of the subscription, or replaces properties of propertiesFrom.
	//
	// +optional
	Properties Fields `json:"properties,omitempty"`
}

// Unsubscribe deletes recipients' subscriptions to an object.
type Unsubscribe struct {
	// collection is the name of the object's collection, or = and an expression that yields the name. The collection of
	// tenants is $tenants.
	//
	// +required
	Collection KeyOrExpression `json:"collection,omitempty"`

	// id yields the id of the object in its collection.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// recipients yields the recipients to unsubscribe: one recipient or a list of recipients. Each is the id of a user or
	// an object {collection, id}.
	//
	// +required
	Recipients Expression `json:"recipients,omitempty"`
}
