// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Verification says how the sender proves itself. Exactly one scheme is given.
//
// +kubebuilder:validation:ExactlyOneOf=headerSecret;basic;bearer;hmac
type Verification struct {
	// headerSecret expects a shared secret in a header.
	//
	// +optional
	HeaderSecret *HeaderSecret `json:"headerSecret,omitempty"`

	// basic expects HTTP basic authentication.
	//
	// +optional
	Basic *BasicAuthentication `json:"basic,omitempty"`

	// bearer expects a bearer token in the Authorization header.
	//
	// +optional
	Bearer *BearerToken `json:"bearer,omitempty"`

	// hmac expects an HMAC-SHA256 of the body, as sent, in a header.
	//
	// +optional
	HMAC *HMAC `json:"hmac,omitempty"`

	// enforce refuses what fails. With false it is accepted, and the event log says that it failed.
	//
	// +optional
	// +default=true
	Enforce *bool `json:"enforce,omitempty"`
}

// HeaderName is the name of an HTTP header; case does not matter.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9._-]+$')",message="a header's name is letters, digits, -, _ and ."
type HeaderName string

// HeaderSecret expects a shared secret in a header.
type HeaderSecret struct {
	// name of the header, such as X-Doorbell-Secret.
	//
	// +required
	Name HeaderName `json:"name,omitempty"`

	// secretRef names the secret that the header must equal.
	//
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// BasicAuthentication expects HTTP basic authentication.
type BasicAuthentication struct {
	// secretRef names the secret, written USER:PASSWORD.
	//
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// BearerToken expects a bearer token in the Authorization header.
type BearerToken struct {
	// secretRef names the token.
	//
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// HMACEncoding says how a signature is written.
//
// +kubebuilder:validation:Enum=Hex;Base64
type HMACEncoding string

// The encodings of a signature.
const (
	HMACEncodingHex    HMACEncoding = "Hex"
	HMACEncodingBase64 HMACEncoding = "Base64"
)

// HMAC expects an HMAC-SHA256 of the body, as sent, in a header.
type HMAC struct {
	// header that carries the signature, such as X-Signature.
	//
	// +required
	Header HeaderName `json:"header,omitempty"`

	// encoding of the signature.
	//
	// +optional
	// +default="Hex"
	Encoding HMACEncoding `json:"encoding,omitempty"`

	// prefix that precedes the signature in the header, such as "sha256=".
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Prefix string `json:"prefix,omitempty"`

	// secretRef names the signing key.
	//
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}
