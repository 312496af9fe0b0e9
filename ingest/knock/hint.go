// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

// Hint says how to fix what Knock refused, for people; empty when Knock's message has to do.
func (e *Error) Hint() string {
	if hint := codeHint(e.Code); hint != "" {
		return hint
	}
	if e.Status == http.StatusBadRequest && e.Endpoint == document.TriggerWorkflow && e.Code != "invalid_params" {
		return "Knock answers 400 when an idempotency key comes again with another body within 24 hours: " +
			"see whether something else triggers workflows with this key, or replay the event as a new one"
	}
	return statusHint(e.Status)
}

// codeHint knows Knock's documented codes.
func codeHint(code string) string {
	switch code {
	case "workflow_missing":
		return "commit the workflow in this environment, or correct the mapping's workflow key"
	case "workflow_inactive":
		return "switch the workflow on in this environment"
	case "actor_missing":
		return "identify the actor first, or give it as an object with an id, which creates it"
	case "api_key_missing", "authentication_required", "api_key_expired", "bearer_token_invalid", "unauthorized":
		return keyHint
	case "incorrect_token_type":
		return "use the environment's secret API key (sk_…), not its public key or a service token"
	case "invalid_params":
		return "compare the request body with Knock's API reference: a parameter of the mapping has the wrong type or form, or is too large"
	case "resource_missing", "not_found":
		return missingHint
	default:
		return ""
	}
}

const (
	keyHint     = "put a valid secret API key of this environment (sk_…) into the Secret that the source names"
	missingHint = "create it in this environment first, or correct the id or key in the mapping; " +
		"if everything is missing, see that spec.knock.baseURL has no path"
)

// statusHint knows what a status means when the code does not say.
func statusHint(status int) string {
	switch {
	case status < http.StatusBadRequest:
		return "correct spec.knock.baseURL: what answers there is not Knock's API (redirects are not followed)"
	case status == http.StatusUnauthorized:
		return keyHint
	case status == http.StatusForbidden:
		return "give the API key the permission for this call, or use the environment's secret key (sk_…)"
	case status == http.StatusNotFound:
		return missingHint
	case status == http.StatusRequestEntityTooLarge, status == http.StatusUnprocessableEntity:
		return "send fewer or smaller values: Knock takes 256 kB of properties for a user, object or tenant and 10 MB of trigger data"
	case status == http.StatusTooManyRequests:
		return "lower delivery.rateLimits, or see what else calls Knock in this environment: the limit is shared"
	default:
		return ""
	}
}
