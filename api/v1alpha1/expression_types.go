// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Expression is a dotted path into the event, such as body.traits.email, or a CEL expression over body, headers
// (names in lower case) and preprocess.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=4096
type Expression string

// KeyOrExpression is a key as Knock knows it, such as order-completed, or an equals sign and an expression that yields
// one, such as =body.properties.workflow.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=4096
// +kubebuilder:validation:XValidation:rule="self.startsWith('=') || self.matches('^[^/#\\\\x00-\\\\x1f\\\\x7f]{1,256}$')",message="write a key of at most 256 characters without / or #, or = and an expression, such as =body.properties.key"
// +kubebuilder:validation:XValidation:rule="!self.matches('^(body|headers|preprocess)([.\\\\[]|$)')",message="put = before an expression, such as =body.properties.key"
type KeyOrExpression string

// Fields gives each field the expression that yields its value. A value that is missing leaves its field out.
//
// +kubebuilder:validation:MaxProperties=100
// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) >= 1 && size(k) <= 256)",message="a field name has 1 to 256 characters"
type Fields map[string]Expression

// SecretKeyReference names one key of a Secret in the same namespace.
type SecretKeyReference struct {
	// name of the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="a Secret's name is lower-case letters, digits, - and ."
	Name string `json:"name,omitempty"`

	// key within the Secret's data.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="a key in a Secret is letters, digits, -, _ and ."
	Key string `json:"key,omitempty"`
}
