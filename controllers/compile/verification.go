// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/problem"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// verification returns how the sender proves who it is: by the scheme that the Source defines, or by the template's if
// the Source names a secret only. It returns nil if senders need no proof besides the token.
func verification(spec *v1alpha1.Verification, base *template.Template) *document.Verification {
	if spec == nil {
		return nil
	}
	out := &document.Verification{Header: "authorization"}
	switch {
	case spec.SecretRef != nil && base.Verification != nil:
		*out = *base.Verification
	case spec.HeaderSecret != nil:
		out.Scheme, out.Header = document.SchemeHeader, headerName(spec.HeaderSecret.Name)
	case spec.Basic != nil:
		out.Scheme = document.SchemeBasic
	case spec.Bearer != nil:
		out.Scheme = document.SchemeBearer
	case spec.HMAC != nil:
		out = hmac(spec.HMAC)
	}
	out.Enforce = spec.Enforce == nil || *spec.Enforce
	return out
}

func hmac(spec *v1alpha1.HMAC) *document.Verification {
	return &document.Verification{
		Scheme: document.SchemeHMAC, Header: headerName(spec.Header), Algorithm: string(spec.Algorithm),
		Encoding: string(spec.Encoding), Prefix: spec.Prefix, Signed: spec.Signed, TimestampHeader: headerName(spec.TimestampHeader),
	}
}

func headerName(name v1alpha1.HeaderName) string { return strings.ToLower(string(name)) }

// missingScheme returns a problem if the Source relies on a verification scheme that its template does not define.
// Without a scheme every request would fail verification, so such a Source must not run.
func missingScheme(spec *v1alpha1.Verification, base *template.Template) *problem.Problem {
	if spec == nil || spec.SecretRef == nil || base.Verification != nil {
		return nil
	}
	return &problem.Problem{
		Field: "spec.verification.secretRef",
		Message: fmt.Sprintf("type %s defines no verification scheme: move secretRef into headerSecret, basic, bearer or hmac",
			base.Type),
	}
}
