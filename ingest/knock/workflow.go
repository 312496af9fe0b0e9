// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

const (
	// MaxRecipients is the most recipients that one TriggerWorkflow takes.
	MaxRecipients = 1000
	// MaxIdempotencyKey is the most characters of an idempotency key.
	MaxIdempotencyKey = 255
)

// CancelWorkflow cancels the runs that were triggered with the body's cancellation key.
func CancelWorkflow(workflow string, body []byte) (Request, error) {
	path := []segment{word("workflows"), named("workflow", workflow), word("cancel")}
	return newRequestBody(document.CancelWorkflow, http.MethodPost, body, path...)
}

// TriggerWorkflow runs the workflow for the body's recipients, once in 24 hours for one idempotency key. The key is
// printable ASCII without spaces; with none, each call runs the workflow.
func TriggerWorkflow(workflow, idempotencyKey string, body []byte) (Request, error) {
	path := []segment{word("workflows"), named("workflow", workflow), word("trigger")}
	request, err := newRequestBody(document.TriggerWorkflow, http.MethodPost, body, path...)
	if err != nil {
		return Request{}, err
	}
	if len(idempotencyKey) > MaxIdempotencyKey || strings.ContainsFunc(idempotencyKey, unprintable) {
		return Request{}, fmt.Errorf("%s: idempotency key %q: not at most %d printable ASCII characters",
			request.Endpoint, idempotencyKey, MaxIdempotencyKey)
	}
	request.IdempotencyKey = idempotencyKey
	return request, nil
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' }
