// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// IdentifyUser creates a user, or updates the given fields of an existing user.
type IdentifyUser struct {
	// id yields the id of the user.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// name yields the display name.
	//
	// +optional
	Name Expression `json:"name,omitempty"`

	// email yields the email address.
	//
	// +optional
	Email Expression `json:"email,omitempty"`

	// phoneNumber yields the phone number in E.164 format, such as +15551234567.
	//
	// +optional
	PhoneNumber Expression `json:"phoneNumber,omitempty"`

	// avatar yields the URL of a picture of the user.
	//
	// +optional
	Avatar Expression `json:"avatar,omitempty"`

	// locale yields the locale, such as en-US.
	//
	// +optional
	Locale Expression `json:"locale,omitempty"`

	// timezone yields the time zone, such as Europe/Berlin.
	//
	// +optional
	Timezone Expression `json:"timezone,omitempty"`

	// createdAt yields the time at which the user was created, in RFC 3339 format.
	//
	// +optional
	CreatedAt Expression `json:"createdAt,omitempty"`

	// propertiesFrom yields an object whose fields become custom properties.
	//
	// +optional
	PropertiesFrom Expression `json:"propertiesFrom,omitempty"`

	// properties adds custom properties, or replaces properties of propertiesFrom.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['id', 'name', 'email', 'phone_number', 'avatar', 'locale', 'timezone', 'created_at'])",message="Knock reserves id, name, email, phone_number, avatar, locale, timezone and created_at: use the fields id, name, email, phoneNumber, avatar, locale, timezone and createdAt of identifyUser"
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['preferences', 'channel_data'])",message="Knock reserves preferences and channel_data: use other names, or set them with Knock's API"
	Properties Fields `json:"properties,omitempty"`
}

// DeleteUser deletes a user.
type DeleteUser struct {
	// id yields the id of the user.
	//
	// +required
	ID Expression `json:"id,omitempty"`
}

// MergeUser merges one user into another user.
type MergeUser struct {
	// id yields the id of the user who remains.
	//
	// +required
	ID Expression `json:"id,omitempty"`

	// fromUserID yields the id of the user who is merged into the other user and then deleted.
	//
	// +required
	FromUserID Expression `json:"fromUserID,omitempty"`
}

// SetTenant creates a tenant, or updates the given fields of an existing tenant.
type SetTenant struct {
	// id yields the id of the tenant.
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

	// properties adds custom properties, or replaces properties of propertiesFrom.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['id', 'name', 'settings'])",message="Knock reserves id, name and settings: use the fields id, name and settings of setTenant"
	// +kubebuilder:validation:XValidation:rule="!self.exists(k, k in ['preferences', 'channel_data'])",message="Knock reserves preferences and channel_data: use other names, or set them with Knock's API"
	Properties Fields `json:"properties,omitempty"`

	// settings contains branding and preference_set. Each is an expression that yields an object.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.all(k, k in ['branding', 'preference_set'])",message="unknown setting: a tenant has the settings branding and preference_set"
	Settings Fields `json:"settings,omitempty"`
}

// DeleteTenant deletes a tenant.
type DeleteTenant struct {
	// id yields the id of the tenant.
	//
	// +required
	ID Expression `json:"id,omitempty"`
}
