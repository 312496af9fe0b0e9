// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Expression is a dotted path such as body.traits.email, or a CEL expression. It can use three variables: body is the
// event, headers are the headers of the request (with names in lower case), and preprocess are the named values of the
// Source.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=4096
type Expression string

// KeyOrExpression is a key in Knock, such as order-completed, or an equals sign and an expression that yields a key, such
// as =body.properties.workflow.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=4096
// +kubebuilder:validation:XValidation:rule="self.startsWith('=') || self.matches('^[^/#\\\\x00-\\\\x1f\\\\x7f]{1,256}$')",message="invalid key: use 1 to 256 characters without /, # and control characters, or = and an expression, such as =body.properties.key"
// +kubebuilder:validation:XValidation:rule="!self.matches('^(body|headers|preprocess)([.\\\\[]|$)')",message="an expression must start with =, such as =body.properties.key"
type KeyOrExpression string

// Fields maps the name of each field to the expression that yields its value. If a value is missing, Doorbell omits the
// field.
//
// +kubebuilder:validation:MaxProperties=100
// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) >= 1 && size(k) <= 256)",message="the name of a field must have 1 to 256 characters"
type Fields map[string]Expression

// SecretKeyReference refers to one key of a Secret in the same namespace.
type SecretKeyReference struct {
	// name is the name of the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$')",message="invalid Secret name: use lower-case letters, digits, - and ., starting and ending with a letter or digit"
	Name string `json:"name,omitempty"`

	// key is the key in the data of the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-._a-zA-Z0-9]+$')",message="invalid key: use only letters, digits, -, _ and ."
	Key string `json:"key,omitempty"`
}
