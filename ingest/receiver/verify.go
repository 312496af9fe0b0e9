// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // for HMAC only, which stays secure with SHA-1; Segment and others use it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// verificationFailed marks events whose sender failed verification while spec.verification.enforce is false.
const verificationFailed = "failed"

// verifyHeader verifies the sender by headers alone, before the body is read. It returns the mark for the events. It
// does nothing if there is no verification or if the scheme needs the body.
func (e *route) verifyHeader(header http.Header) (mark string, rejected *rejection) {
	if e.Verification == nil || e.Verification.Scheme == document.SchemeHMAC {
		return "", nil
	}
	return e.judge(e.hasSecret(header))
}

// verifyBody verifies the signature. The body must be exactly as it was sent, before decompression.
func (e *route) verifyBody(header http.Header, body []byte) (mark string, rejected *rejection) {
	return e.judge(e.hasSignature(header, body))
}

// judge accepts a request, accepts it with a mark, or rejects it.
func (e *route) judge(verified bool) (mark string, rejected *rejection) {
	switch {
	case verified:
		return "", nil
	case !e.Verification.Enforce:
		return verificationFailed, nil
	case len(e.secrets) == 0:
		return "", verificationUnavailable()
	default:
		return "", unauthorized()
	}
}

// hasSecret reports whether the headers contain a valid secret, as the scheme prescribes. It compares hashes in
// constant time, and always with all secrets, so that the duration reveals neither the content nor the length of a
// secret.
func (e *route) hasSecret(header http.Header) bool {
	given, ok := single(header, e.Verification.Header)
	if !ok {
		return false
	}
	switch e.Verification.Scheme {
	case document.SchemeHeader:
	case document.SchemeBasic:
		encoded, _ := cutScheme(given, "Basic")
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return false
		}
		given = string(decoded)
	case document.SchemeBearer:
		given, _ = cutScheme(given, "Bearer")
	default:
		return false
	}
	givenHash, found := sha256.Sum256([]byte(given)), 0
	for _, secret := range e.secrets {
		wantHash := sha256.Sum256([]byte(secret))
		found |= subtle.ConstantTimeCompare(givenHash[:], wantHash[:])
	}
	return found == 1
}

// hasSignature reports whether the headers contain a valid HMAC. It does not check how old a signed timestamp is: if a
// request is repeated, the idempotency key identifies its events as duplicates.
func (e *route) hasSignature(header http.Header, body []byte) bool {
	v := e.Verification
	value, ok := single(header, v.Header)
	if !ok {
		return false
	}
	encoded, ok := strings.CutPrefix(value, v.Prefix)
	if !ok {
		return false
	}
	given, err := decodeSignature(encoded, v.Encoding)
	if err != nil {
		return false
	}
	timestamp := ""
	if v.TimestampHeader != "" {
		if timestamp, ok = single(header, v.TimestampHeader); !ok {
			return false
		}
	}
	newHash := hashFunction(v.Algorithm)
	if newHash == nil {
		return false
	}
	for _, secret := range e.secrets {
		mac := hmac.New(newHash, []byte(secret))
		writeSigned(mac, v.Signed, timestamp, body)
		if hmac.Equal(given, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// hashFunction returns nil for an unknown algorithm.
func hashFunction(algorithm string) func() hash.Hash {
	switch algorithm {
	case document.AlgorithmSHA1:
		return sha1.New
	case "", document.AlgorithmSHA256:
		return sha256.New
	case document.AlgorithmSHA512:
		return sha512.New
	default:
		return nil
	}
}

// writeSigned writes the signed text to mac, without copying the body. The timestamp is filled in piece by piece, so
// that a timestamp that contains {body} is not expanded.
func writeSigned(mac hash.Hash, signed, timestamp string, body []byte) {
	if signed == "" {
		signed = document.PlaceholderBody
	}
	for i, piece := range strings.Split(signed, document.PlaceholderBody) {
		if i > 0 {
			_, _ = mac.Write(body) // writing to a hash never fails
		}
		_, _ = mac.Write([]byte(strings.ReplaceAll(piece, document.PlaceholderTimestamp, timestamp)))
	}
}

// decodeSignature accepts both alphabets of Base64, with or without padding.
func decodeSignature(encoded, encoding string) ([]byte, error) {
	if encoding != document.EncodingBase64 {
		return hex.DecodeString(encoded)
	}
	encoded = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(encoded, "="))
	return base64.RawStdEncoding.DecodeString(encoded)
}

// single returns the value of a header that was sent exactly once. If a header is repeated, a proxy may have appended
// the sender's value to one that an attacker sent, or the reverse, so neither value can be trusted.
func single(header http.Header, name string) (value string, ok bool) {
	values := header.Values(name)
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// cutScheme returns the credentials of an Authorization header. They are empty if the header has another scheme.
func cutScheme(value, scheme string) (credentials string, ok bool) {
	found, credentials, ok := strings.Cut(value, " ")
	if !ok || !strings.EqualFold(found, scheme) {
		return "", false
	}
	return strings.TrimLeft(credentials, " "), true
}
