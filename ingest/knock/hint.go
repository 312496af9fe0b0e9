// SPDX-License-Identifier: Apache-2.0

package knock

import "net/http"

// Hint says how to fix the cause of the error. It is "" if Knock's message is all that is known.
func (e *Error) Hint() string {
	if hint := codeHint(e.Code); hint != "" {
		return hint
	}
	if e.Status == http.StatusBadRequest && e.Endpoint.RetryRule() == RetryWithKey && e.Code != "invalid_params" {
		return "Knock returns 400 if it gets the same idempotency key with a different body within 24 hours: " +
			"check whether another program triggers workflows with this key"
	}
	return statusHint(e.Status)
}

// codeHint returns the hint for one of Knock's documented error codes.
func codeHint(code string) string {
	switch code {
	case "workflow_missing":
		return "commit the workflow in this environment, or correct the workflow key in the mapping"
	case "workflow_inactive":
		return "activate the workflow in this environment"
	case "actor_missing":
		return "identify the actor first, or write it as an object with an id, which creates it"
	case "api_key_missing", "authentication_required", "api_key_expired", "bearer_token_invalid", "unauthorized":
		return keyHint
	case "incorrect_token_type":
		return "use the environment's secret API key (sk_…), not its public key or a service token"
	case "invalid_params":
		return "compare the request body with Knock's API reference: a parameter of the mapping has the wrong type or format, or is too large"
	case "resource_missing", "not_found":
		return missingHint
	default:
		return ""
	}
}

const (
	keyHint     = "store a valid secret API key of this environment (sk_…) in the Secret that spec.knock.apiKeySecretRef names"
	missingHint = "create it in this environment first, or correct the ID or key in the mapping; " +
		"if every call gets this response, check that spec.knock.baseURL has no path"
)

// statusHint returns the hint for an HTTP status, for a response without a documented error code.
func statusHint(status int) string {
	switch {
	case status < http.StatusBadRequest:
		return "correct spec.knock.baseURL: the server at this URL is not Knock's API (Doorbell does not follow redirects)"
	case status == http.StatusUnauthorized:
		return keyHint
	case status == http.StatusForbidden:
		return "give the API key the permission for this call, or use the environment's secret API key (sk_…)"
	case status == http.StatusNotFound:
		return missingHint
	case status == http.StatusRequestEntityTooLarge, status == http.StatusUnprocessableEntity:
		return "send fewer or smaller values: Knock accepts 256 kB of properties for a user, object or tenant and 10 MB of trigger data"
	case status == http.StatusTooManyRequests:
		return "lower spec.delivery.rateLimits, or check which other programs call Knock in this environment: they share its limits"
	default:
		return ""
	}
}
