// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// MaxAudienceMembers is the most members that one call adds or removes.
const MaxAudienceMembers = 1000

// AddAudienceMembers adds the body's members to a static audience, which create makes first if need be.
func AddAudienceMembers(audience string, create bool, body []byte) (Request, error) {
	request, err := newRequestBody(document.AddAudienceMember, http.MethodPost, body, audiencePath(audience)...)
	if err == nil && create {
		request.Path += "?create_audience=true"
	}
	return request, err
}

// RemoveAudienceMembers removes the body's members.
func RemoveAudienceMembers(audience string, body []byte) (Request, error) {
	return newRequestBody(document.RemoveAudienceMember, http.MethodDelete, body, audiencePath(audience)...)
}

func audiencePath(audience string) []segment {
	return []segment{word("audiences"), named("audience", audience), word("members")}
}
