// SPDX-License-Identifier: Apache-2.0

package template

import (
	"fmt"
	"slices"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// checkVerification returns an error if the fields of a template's verification contradict each other. The schema of
// the Source resource checks the verification of a Source, but no schema checks a template.
func checkVerification(v document.Verification) error {
	switch v.Scheme {
	case document.SchemeBasic, document.SchemeBearer:
		if v != (document.Verification{Scheme: v.Scheme, Header: "authorization"}) {
			return fmt.Errorf("verification: the scheme %s allows only the field header, with the value authorization", v.Scheme)
		}
		return nil
	case document.SchemeHeader:
		if v != (document.Verification{Scheme: v.Scheme, Header: v.Header}) {
			return fmt.Errorf("verification: the scheme %s allows only the field header", v.Scheme)
		}
		return checkHeader("header", v.Header)
	case document.SchemeHMAC:
		return checkHMAC(v)
	default:
		return fmt.Errorf("verification.scheme: unknown scheme %q; use headerSecret, basic, bearer or hmac", v.Scheme)
	}
}

func checkHMAC(v document.Verification) error {
	algorithms := []string{"", document.AlgorithmSHA1, document.AlgorithmSHA256, document.AlgorithmSHA512}
	encodings := []string{"", document.EncodingHex, document.EncodingBase64}
	switch {
	case v.Enforce:
		return fmt.Errorf("verification.enforce: remove it; only a Source sets it")
	case !slices.Contains(algorithms, v.Algorithm):
		return fmt.Errorf("verification.algorithm: unknown algorithm %q; use SHA1, SHA256 or SHA512", v.Algorithm)
	case !slices.Contains(encodings, v.Encoding):
		return fmt.Errorf("verification.encoding: unknown encoding %q; use Hex or Base64", v.Encoding)
	case v.Signed != "" && !strings.Contains(v.Signed, document.PlaceholderBody):
		return fmt.Errorf("verification.signed: %q must contain %s", v.Signed, document.PlaceholderBody)
	}
	if strings.Contains(v.Signed, document.PlaceholderTimestamp) {
		if err := checkHeader("timestampHeader", v.TimestampHeader); err != nil {
			return err
		}
	} else if v.TimestampHeader != "" {
		return fmt.Errorf("verification.timestampHeader: remove it, or add %s to signed", document.PlaceholderTimestamp)
	}
	return checkHeader("header", v.Header)
}

func checkHeader(field, name string) error {
	if name == "" || name != strings.ToLower(name) {
		return fmt.Errorf("verification.%s: %q must be the name of a header in lower case", field, name)
	}
	return nil
}
