// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// IdentifyUser creates a user, or updates the fields that are given.
type IdentifyUser struct {
	// id of the user.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// name to display.
	//
	// +optional
	Name Expression `json:"name,omitempty"`

	// email is the primary address.
	//
	// +optional
	Email Expression `json:"email,omitempty"`

	// phoneNumber in E.164 form, such as +15551234567.
	//
	// +optional
	PhoneNumber Expression `json:"phoneNumber,omitempty"`

	// avatar is the URL of a picture.
	//
	// +optional
	Avatar Expression `json:"avatar,omitempty"`

	// locale such as en-US.
	//
	// +optional
	Locale Expression `json:"locale,omitempty"`

	// timezone such as Europe/Berlin.
	//
	// +optional
	Timezone Expression `json:"timezone,omitempty"`

	// createdAt is when the user was created, in RFC 3339.
	//
	// +optional
	CreatedAt Expression `json:"createdAt,omitempty"`

	// propertiesFrom yields an object of custom properties to start from.
	//
	// +optional
	PropertiesFrom Expression `json:"propertiesFrom,omitempty"`

	// properties adds or replaces single custom properties.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['id', 'name', 'email', 'phone_number', 'avatar', 'locale', 'timezone', 'created_at'])",message="id, name, email, phone_number, avatar, locale, timezone and created_at are Knock's own: use the fields id, name, email, phoneNumber, avatar, locale, timezone and createdAt"
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['preferences', 'channel_data'])",message="preferences and channel_data are Knock's own and no custom properties: choose other names, or set them by Knock's API"
	Properties Fields `json:"properties,omitempty"`
}

// DeleteUser deletes a user.
type DeleteUser struct {
	// id of the user.
	//
	// +required
	ID Expression `json:"id,omitempty"`
}

// MergeUser merges one user into another.
type MergeUser struct {
	// id of the user who stays.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// fromUserID is the id of the user who is merged into the other, and deleted.
	//
	// +required
	FromUserID Expression `json:"fromUserID,omitempty"`
}

// SetTenant creates a tenant, or updates the fields that are given.
type SetTenant struct {
	// id of the tenant.
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

	// properties adds or replaces single custom properties.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['id', 'name', 'settings'])",message="id, name and settings are Knock's own: use the fields id, name and settings"
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['preferences', 'channel_data'])",message="preferences and channel_data are Knock's own and no custom properties: choose other names, or set them by Knock's API"
	Properties Fields `json:"properties,omitempty"`

	// settings are branding and preference_set, each an expression that yields an object.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.all(k, k in ['branding', 'preference_set'])",message="a tenant's settings are branding and preference_set"
	Settings Fields `json:"settings,omitempty"`
}

// DeleteTenant deletes a tenant.
type DeleteTenant struct {
	// id of the tenant.
	//
	// +required
	ID Expression `json:"id,omitempty"`
}
