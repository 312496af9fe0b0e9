// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// SetTenant creates the tenant or merges the body into it.
func SetTenant(id string, body []byte) (Request, error) {
	return newRequestBody(document.SetTenant, http.MethodPut, body, word("tenants"), named("tenant", id))
}

// DeleteTenant removes the tenant and all its data.
func DeleteTenant(id string) (Request, error) {
	return newRequest(document.DeleteTenant, http.MethodDelete, word("tenants"), named("tenant", id))
}
