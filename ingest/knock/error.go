// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxExcerpt    = 1 << 10 // bytes
	maxRetryAfter = time.Hour
)

// Error is a response that is not a success.
type Error struct {
	// Endpoint is the endpoint that rejected the call.
	Endpoint Endpoint
	// Status is the HTTP status code of the response.
	Status int
	// Code is Knock's error code, such as workflow_missing, or "" if the response has none.
	Code string
	// Message is Knock's error message with the names of the rejected fields. If the response has no message, it is the
	// text of the HTTP status.
	Message string
	// RetryAfter is how long the server asks the client to wait, at most one hour. It is zero if the server does not
	// say.
	RetryAfter time.Duration
	// Excerpt is the beginning of the body: at most 1 KiB of valid UTF-8.
	Excerpt string
}

// Error implements error. The text contains the endpoint, the status, the code if there is one, and the message.
func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("knock: %s: HTTP %d: %s", e.Endpoint, e.Status, e.Message)
	}
	return fmt.Sprintf("knock: %s: HTTP %d %s: %s", e.Endpoint, e.Status, e.Code, e.Message)
}

// Temporary reports whether the server may accept the same call later. This is true for 408, 409, 425, 429 and 5xx. It
// is also true for answers that often do not come from Knock but from a proxy or a firewall in front of it: a redirect,
// a 403, and a success whose body is not JSON.
func (e *Error) Temporary() bool {
	switch e.Status {
	case http.StatusForbidden, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	default:
		return e.Status >= http.StatusInternalServerError || e.Status < http.StatusBadRequest
	}
}

// Rejected reports whether the server has decided not to execute the call, so that the call has no effect later. After
// any other answer, Knock may have executed the call, or may still execute it.
func (e *Error) Rejected() bool {
	return e.Status >= http.StatusBadRequest && e.Status < http.StatusInternalServerError && e.Status != http.StatusRequestTimeout
}

// RejectsKey reports whether Knock rejects the API key, and with it every call of the source: the status is 401, or the
// code is one that Knock documents for authentication. A 403 without such a code rejects only the one call.
func (e *Error) RejectsKey() bool {
	switch e.Code {
	case "api_key_missing", "api_key_expired", "bearer_token_invalid", "authentication_required", "incorrect_token_type":
		return true
	default:
		return e.Status == http.StatusUnauthorized
	}
}

// ReusesIdempotencyKey reports whether Knock rejects a trigger because its Idempotency-Key was used with other
// parameters within 24 hours. An earlier trigger with this key has then run the workflow. Knock documents neither the
// code nor the message of this answer, so the function searches both for the word "idempotency".
func (e *Error) ReusesIdempotencyKey() bool {
	return e.Status == http.StatusBadRequest && e.Endpoint.RetryRule() == RetryWithKey &&
		strings.Contains(strings.ToLower(e.Code+" "+e.Message), "idempoten")
}

// rejection returns the error for a response that is not a success.
func (c *Client) rejection(request Request, received received) *Error {
	parsed := parseErrorBody(received.body)
	if parsed.Message == "" {
		parsed.Message = statusText(received.status)
	}
	return &Error{
		Endpoint:   request.Endpoint,
		Status:     received.status,
		Code:       excerpt(parsed.Code),
		Message:    excerpt(parsed.Message),
		RetryAfter: retryAfter(received.header.Get("Retry-After"), c.config.Now()),
		Excerpt:    excerpt(received.body),
	}
}

// statusText returns the message for a response that has none.
func statusText(status int) string {
	if status < http.StatusMultipleChoices {
		return "the response is not JSON"
	}
	if text := http.StatusText(status); text != "" {
		return strings.ToLower(text)
	}
	return "status " + strconv.Itoa(status)
}

// errorBody is the body of Knock's error responses. Any field may be missing.
type errorBody struct {
	Code    string      `json:"code"`
	Message string      `json:"message"`
	Errors  fieldErrors `json:"errors"`
}

type fieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// fieldErrors is written as a list of objects or as one object.
type fieldErrors []fieldError

// UnmarshalJSON never fails. It leaves the list empty if the value has another form, so that the caller still gets the
// code and the message.
func (f *fieldErrors) UnmarshalJSON(data []byte) error {
	var single fieldError
	if json.Unmarshal(data, (*[]fieldError)(f)) != nil {
		*f = nil
		if json.Unmarshal(data, &single) == nil {
			*f = fieldErrors{single}
		}
	}
	return nil
}

// parseErrorBody returns the body with the rejected fields added to the message. If the body is not Knock's, every
// field of the result is empty.
func parseErrorBody(body []byte) errorBody {
	var parsed errorBody
	_ = json.Unmarshal(body, &parsed) // a field that does not fit stays empty
	var details []string
	for _, e := range parsed.Errors {
		if e.Field != "" || e.Message != "" {
			details = append(details, strings.TrimPrefix(e.Field+": "+e.Message, ": "))
		}
	}
	if len(details) > 0 {
		parsed.Message = strings.TrimSpace(parsed.Message + " (" + strings.Join(details, "; ") + ")")
	}
	return parsed
}

// retryAfter parses a Retry-After header, which holds a number of seconds or a date. It returns 0 for any other value.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(strings.TrimSpace(header)); err == nil {
		wait = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// excerpt returns at most maxExcerpt bytes of a text, cut between two characters, as valid UTF-8.
func excerpt[T string | []byte](text T) string {
	if len(text) > maxExcerpt {
		end := maxExcerpt
		for end > maxExcerpt-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return strings.ToValidUTF8(string(text), "?")
}
