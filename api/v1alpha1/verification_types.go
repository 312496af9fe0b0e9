// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Verification defines how the sender proves who it is. Set exactly one of secretRef, headerSecret, basic, bearer and
// hmac.
//
// +kubebuilder:validation:ExactlyOneOf=secretRef;headerSecret;basic;bearer;hmac
type Verification struct {
	// secretRef names the secret for the scheme that the template of spec.type defines. RudderStack defines a header,
	// X-Doorbell-Secret, whose value must equal the secret. Custom defines no scheme.
	//
	// +optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// headerSecret requires a header whose value equals a shared secret.
	//
	// +optional
	HeaderSecret *HeaderSecret `json:"headerSecret,omitempty"`

	// basic requires HTTP basic authentication.
	//
	// +optional
	Basic *BasicAuthentication `json:"basic,omitempty"`

	// bearer requires a bearer token in the Authorization header.
	//
	// +optional
	Bearer *BearerToken `json:"bearer,omitempty"`

	// hmac requires a header with an HMAC signature of the request.
	//
	// +optional
	HMAC *HMAC `json:"hmac,omitempty"`

	// enforce rejects requests that fail verification. If it is false, Doorbell accepts such requests and records the
	// failure in the event log.
	//
	// +optional
	// +default=true
	Enforce *bool `json:"enforce,omitempty"`
}

// HeaderName is the name of an HTTP header. Case does not matter.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=128
// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9._-]+$')",message="invalid header name: use only letters, digits, -, _ and ."
type HeaderName string

// HeaderSecret requires a header whose value equals a shared secret.
type HeaderSecret struct {
	// name is the name of the header, such as X-Doorbell-Secret.
	//
	// +required
	Name HeaderName `json:"name,omitempty"`

	// secretRef names the secret that the value of the header must equal.
	//
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// BasicAuthentication requires HTTP basic authentication.
type BasicAuthentication struct {
	// secretRef names the secret, which must have the form USER:PASSWORD.
	//
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// BearerToken requires a bearer token in the Authorization header.
type BearerToken struct {
	// secretRef names the secret that holds the token.
	//
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// HMACAlgorithm is the hash function of an HMAC signature.
//
// +kubebuilder:validation:Enum=SHA1;SHA256;SHA512
type HMACAlgorithm string

// The hash functions of an HMAC signature.
const (
	// HMACAlgorithmSHA1 is HMAC-SHA1. Segment uses it, for example.
	HMACAlgorithmSHA1 HMACAlgorithm = "SHA1"
	// HMACAlgorithmSHA256 is HMAC-SHA256. Most senders use it.
	HMACAlgorithmSHA256 HMACAlgorithm = "SHA256"
	// HMACAlgorithmSHA512 is HMAC-SHA512.
	HMACAlgorithmSHA512 HMACAlgorithm = "SHA512"
)

// HMACEncoding is the encoding of an HMAC signature.
//
// +kubebuilder:validation:Enum=Hex;Base64
type HMACEncoding string

// The encodings of an HMAC signature.
const (
	// HMACEncodingHex is hexadecimal, in lower or upper case.
	HMACEncodingHex HMACEncoding = "Hex"
	// HMACEncodingBase64 is Base64 in the standard or the URL alphabet, with or without padding.
	HMACEncodingBase64 HMACEncoding = "Base64"
)

// HMAC requires a header with an HMAC signature of the request.
//
// +kubebuilder:validation:XValidation:rule="has(self.timestampHeader) || !has(self.signed) || !self.signed.contains('{timestamp}')",fieldPath=".timestampHeader",message="timestampHeader is required if signed contains {timestamp}: add the name of the header with the timestamp, such as X-Timestamp"
// +kubebuilder:validation:XValidation:rule="!has(self.timestampHeader) || has(self.signed) && self.signed.contains('{timestamp}')",fieldPath=".timestampHeader",message="timestampHeader has no effect if signed does not contain {timestamp}: remove it, or add {timestamp} to signed, such as {timestamp}.{body}"
type HMAC struct {
	// header is the name of the header that carries the signature, such as X-Signature.
	//
	// +required
	Header HeaderName `json:"header,omitempty"`

	// algorithm is the hash function.
	//
	// +optional
	// +default="SHA256"
	Algorithm HMACAlgorithm `json:"algorithm,omitempty"`

	// encoding is how the signature is written in the header.
	//
	// +optional
	// +default="Hex"
	Encoding HMACEncoding `json:"encoding,omitempty"`

	// prefix is the text before the signature in the header, such as "sha256=".
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Prefix string `json:"prefix,omitempty"`

	// signed is the text that the sender signs, such as "{timestamp}.{body}". Doorbell replaces {body} by the request body
	// exactly as it was sent, and {timestamp} by the value of timestampHeader. If signed is omitted, the sender signs the body.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="self.contains('{body}')",message="the signature must cover the body: add {body}, as in {timestamp}.{body}"
	Signed string `json:"signed,omitempty"`

	// timestampHeader is the name of the header whose value replaces {timestamp} in signed, such as X-Timestamp. Doorbell
	// does not check how old the timestamp is.
	//
	// +optional
	TimestampHeader HeaderName `json:"timestampHeader,omitempty"`

	// secretRef names the secret that holds the signing key.
	//
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}
