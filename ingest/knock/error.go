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

	"github.com/doorbell-dev/doorbell/ingest/document"
)

const (
	maxExcerpt    = 1 << 10
	maxRetryAfter = time.Hour
)

// Error is an answer other than a success.
type Error struct {
	// Endpoint is the call that was refused.
	Endpoint document.ActionName
	Status   int
	// Code is Knock's, such as workflow_missing; empty when the answer had none.
	Code string
	// Message is Knock's, with the fields it names; the status in words when the answer had none.
	Message string
	// RetryAfter is how long the server wants to be left alone, at most an hour; zero when it did not say.
	RetryAfter time.Duration
	// Excerpt is the beginning of the body, at most 1 KiB of valid UTF-8.
	Excerpt string
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("knock: %s: answer %d: %s", e.Endpoint, e.Status, e.Message)
	}
	return fmt.Sprintf("knock: %s: answer %d %s: %s", e.Endpoint, e.Status, e.Code, e.Message)
}

// Temporary is whether the same call may be taken later: 408, 409, 429 and 5xx, as in Knock's own clients, and a success
// that is not Knock's, which something in between must have sent.
func (e *Error) Temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooManyRequests:
		return true
	default:
		return e.Status >= http.StatusInternalServerError || e.Status < http.StatusMultipleChoices
	}
}

// refusal reads an answer that is not a success.
func (c *Client) refusal(request Request, answer *http.Response, body []byte) *Error {
	said := parseRefusal(body)
	if said.Message == "" {
		said.Message = describe(answer)
	}
	return &Error{
		Endpoint:   request.Endpoint,
		Status:     answer.StatusCode,
		Code:       excerpt(said.Code),
		Message:    excerpt(said.Message),
		RetryAfter: retryAfter(answer.Header.Get("Retry-After"), c.config.Now()),
		Excerpt:    excerpt(string(body)),
	}
}

// describe is the message for an answer that has none.
func describe(answer *http.Response) string {
	if answer.StatusCode < http.StatusMultipleChoices {
		return "the answer is not JSON"
	}
	if text := http.StatusText(answer.StatusCode); text != "" {
		return strings.ToLower(text)
	}
	return "status " + strconv.Itoa(answer.StatusCode)
}

// refusalBody is Knock's error body, of which any part may be missing.
type refusalBody struct {
	Code    string        `json:"code"`
	Message string        `json:"message"`
	Errors  fieldRefusals `json:"errors"`
}

type fieldRefusal struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// fieldRefusals is a list, or a single one.
type fieldRefusals []fieldRefusal

// UnmarshalJSON takes what it understands; the rest must not cost the code and the message.
func (f *fieldRefusals) UnmarshalJSON(data []byte) error {
	var single fieldRefusal
	if json.Unmarshal(data, (*[]fieldRefusal)(f)) != nil {
		*f = nil
		if json.Unmarshal(data, &single) == nil {
			*f = fieldRefusals{single}
		}
	}
	return nil
}

// parseRefusal reads the body and puts the fields that Knock names into the message; what is not Knock's gives nothing.
func parseRefusal(body []byte) refusalBody {
	var said refusalBody
	_ = json.Unmarshal(body, &said) // what does not fit stays empty
	var details []string
	for _, refused := range said.Errors {
		if refused.Field != "" || refused.Message != "" {
			details = append(details, strings.TrimPrefix(refused.Field+": "+refused.Message, ": "))
		}
	}
	if len(details) > 0 {
		said.Message = strings.TrimSpace(said.Message + " (" + strings.Join(details, "; ") + ")")
	}
	return said
}

// retryAfter reads seconds or a date.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.Atoi(strings.TrimSpace(header)); err == nil {
		wait = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}

// excerpt cuts a text between characters and makes it valid UTF-8.
func excerpt(text string) string {
	if len(text) > maxExcerpt {
		end := maxExcerpt
		for end > maxExcerpt-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return strings.ToValidUTF8(text, "?")
}
