// SPDX-License-Identifier: Apache-2.0

package document

import "time"

// VerificationOverlap is how long the former secret of a sender stays valid after the secret has changed.
const VerificationOverlap = 10 * time.Minute

// Scheme is a way to verify a sender.
type Scheme string

// The verification schemes.
const (
	// SchemeHeader compares the value of a header with the secret.
	SchemeHeader Scheme = "headerSecret"
	// SchemeBasic is HTTP basic authentication.
	SchemeBasic Scheme = "basic"
	// SchemeBearer is a bearer token in the Authorization header.
	SchemeBearer Scheme = "bearer"
	// SchemeHMAC verifies a signature.
	SchemeHMAC Scheme = "hmac"
)

// The hash functions of an HMAC.
const (
	AlgorithmSHA1   = "SHA1"
	AlgorithmSHA256 = "SHA256"
	AlgorithmSHA512 = "SHA512"
)

// The encodings of an HMAC.
const (
	EncodingHex    = "Hex"
	EncodingBase64 = "Base64"
)

// The placeholders in Verification.Signed.
const (
	PlaceholderBody      = "{body}"
	PlaceholderTimestamp = "{timestamp}"
)

// Verification says how a sender proves who it is. The secret itself is in Credentials. A template may define a
// Verification, which a Source can use or replace.
type Verification struct {
	Scheme Scheme `json:"scheme"`
	// Header is the name, in lower case, of the header that carries the secret or the signature. For basic and bearer
	// it is authorization.
	Header string `json:"header"`

	// Algorithm is the hash function of an HMAC: SHA1, SHA256 or SHA512. Empty means SHA256.
	Algorithm string `json:"algorithm,omitempty"`
	// Encoding is the encoding of an HMAC: Hex or Base64. Empty means Hex.
	Encoding string `json:"encoding,omitempty"`
	// Prefix precedes an HMAC in its header, such as "sha256=".
	Prefix string `json:"prefix,omitempty"`
	// Signed is the text that is signed, such as "{timestamp}.{body}". Doorbell replaces {body} by the body exactly as
	// it was sent, and {timestamp} by the value of TimestampHeader. Empty means {body}.
	Signed string `json:"signed,omitempty"`
	// TimestampHeader is the name, in lower case, of the header that carries the signed timestamp. It is empty if
	// Signed does not contain {timestamp}.
	TimestampHeader string `json:"timestampHeader,omitempty"`

	// Enforce rejects requests that fail verification. Otherwise Doorbell accepts them and records the failure. Only
	// the Source sets it, never the template.
	Enforce bool `json:"enforce"`
}
