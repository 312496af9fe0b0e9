// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

func TestASecretAloneUsesTheSchemeOfTheTemplate(t *testing.T) {
	for name, test := range map[string]struct {
		verification string
		enforce      bool
	}{
		"enforced by default": {"{secretRef: {name: s, key: k}}", true},
		"not enforced":        {"{secretRef: {name: s, key: k}, enforce: false}", false},
	} {
		t.Run(name, func(t *testing.T) {
			result := compile.Source(source(t, "type: RudderStack\nverification: "+test.verification), nil)
			want := &document.Verification{Scheme: document.SchemeHeader, Header: "x-doorbell-secret", Enforce: test.enforce}
			if diff := cmp.Diff(want, result.Document.Verification); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestASecretAloneIsNotEnoughIfTheTemplateHasNoScheme(t *testing.T) {
	result := compile.Source(source(t, "{type: Custom, eventType: body.type, verification: {secretRef: {name: s, key: k}}}"), nil)
	want := []problem.Problem{{
		Field:   "spec.verification.secretRef",
		Message: "type Custom defines no verification scheme: move secretRef into headerSecret, basic, bearer or hmac",
	}}
	if diff := cmp.Diff(want, result.Problems); diff != "" || result.Program != nil {
		t.Errorf("the Source runs: %v; problems (-want +got):\n%s", result.Program != nil, diff)
	}
}

func TestEveryFieldOfAnHMACReachesTheDocument(t *testing.T) {
	result := compile.Source(source(t, `
type: RudderStack
verification:
  hmac:
    header: X-Signature
    algorithm: SHA512
    encoding: Base64
    prefix: v0=
    signed: "v0:{timestamp}:{body}"
    timestampHeader: X-Timestamp
    secretRef: {name: s, key: k}`), nil)
	want := &document.Verification{
		Scheme: document.SchemeHMAC, Header: "x-signature", Algorithm: document.AlgorithmSHA512, Encoding: document.EncodingBase64,
		Prefix: "v0=", Signed: "v0:{timestamp}:{body}", TimestampHeader: "x-timestamp", Enforce: true,
	}
	if diff := cmp.Diff(want, result.Document.Verification); diff != "" {
		t.Error(diff)
	}
}
