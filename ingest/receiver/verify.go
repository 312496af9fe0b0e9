// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// verificationFailed marks the events of a sender that failed where that is only recorded.
const verificationFailed = "failed"

// verifyHeader checks what needs no body. It returns how to mark the events.
func (e *route) verifyHeader(header http.Header) (mark string, rejected *rejection) {
	if e.Verification == nil || e.Verification.Scheme == document.SchemeHMAC {
		return "", nil
	}
	return e.judge(e.Secret != "" && e.showsSecret(header))
}

// verifyBody checks a signature over the body as sent.
func (e *route) verifyBody(header http.Header, body []byte) (mark string, rejected *rejection) {
	return e.judge(e.Secret != "" && e.signs(header, body))
}

func (e *route) judge(verified bool) (mark string, rejected *rejection) {
	switch {
	case verified:
		return "", nil
	case !e.Verification.Enforce:
		return verificationFailed, nil
	case e.Secret == "":
		return "", verificationUnavailable()
	default:
		return "", unauthorized()
	}
}

func (e *route) showsSecret(header http.Header) bool {
	proof, ok := single(header, e.Verification.Header)
	if !ok {
		return false
	}
	switch e.Verification.Scheme {
	case document.SchemeHeader:
	case document.SchemeBasic:
		encoded, _ := cutScheme(proof, "Basic")
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return false
		}
		proof = string(decoded)
	case document.SchemeBearer:
		proof, _ = cutScheme(proof, "Bearer")
	default:
		return false
	}
	given, want := sha256.Sum256([]byte(proof)), sha256.Sum256([]byte(e.Secret))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

func (e *route) signs(header http.Header, body []byte) bool {
	proof, ok := single(header, e.Verification.Header)
	if !ok {
		return false
	}
	encoded, ok := strings.CutPrefix(proof, e.Verification.Prefix)
	if !ok {
		return false
	}
	given, err := decodeSignature(encoded, e.Verification.Encoding)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(e.Secret))
	_, _ = mac.Write(body) // a hash takes anything
	return hmac.Equal(given, mac.Sum(nil))
}

// decodeSignature takes either alphabet of Base64, padded or not.
func decodeSignature(encoded, encoding string) ([]byte, error) {
	if encoding != "Base64" {
		return hex.DecodeString(encoded)
	}
	encoded = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(encoded, "="))
	return base64.RawStdEncoding.DecodeString(encoded)
}

// single returns the value of a header that was sent once: of two, one may be anybody's.
func single(header http.Header, name string) (value string, ok bool) {
	values := header.Values(name)
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// cutScheme returns the credentials of an Authorization header; empty if it has another scheme.
func cutScheme(value, scheme string) (credentials string, ok bool) {
	found, credentials, ok := strings.Cut(value, " ")
	if !ok || !strings.EqualFold(found, scheme) {
		return "", false
	}
	return strings.TrimLeft(credentials, " "), true
}
