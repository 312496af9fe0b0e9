// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"net/http"
	"slices"
	"time"
)

// keyLifetime is how long Knock remembers an idempotency key.
const keyLifetime = 24 * time.Hour

// replay is the answer that an idempotency key has had.
type replay struct {
	until     time.Time
	request   string // path and body
	requestID string
	answer    Answer
}

func (w *world) trigger(c *call) (any, *refusal) {
	workflow := c.ids["workflow"]
	if w.workflows != nil && !slices.Contains(w.workflows, workflow) {
		return nil, &refusal{status: http.StatusNotFound, Code: "workflow_missing", Message: "the workflow was not found"}
	}
	run := Run{ID: w.newID(), Workflow: workflow, IdempotencyKey: c.key}
	if actor := c.body["actor"]; actor != nil {
		reference, known := w.refer(actor)
		if !known {
			return nil, &refusal{status: http.StatusNotFound, Code: "actor_missing", Message: "the actor was not found"}
		}
		run.Actor = reference
	}
	for _, recipient := range list(c.body, "recipients") {
		reference, known := w.refer(recipient)
		run.Recipients = append(run.Recipients, reference)
		if !known {
			run.Unknown = append(run.Unknown, reference)
		}
	}
	if tenant := c.body["tenant"]; tenant != nil {
		run.Tenant = name(tenant)
		described, _ := tenant.(map[string]any)
		w.Tenants[run.Tenant] = merge(w.Tenants[run.Tenant], without(described, "id"))
	}
	run.Data, _ = c.body["data"].(map[string]any)
	run.CancellationKey, _ = c.body["cancellation_key"].(string)
	w.Runs = append(w.Runs, run)
	return map[string]string{"workflow_run_id": run.ID}, nil
}

// cancel cancels whole runs: one that shares a recipient with the call is canceled for all its recipients.
func (w *world) cancel(c *call) (any, *refusal) {
	var only []string
	for _, recipient := range list(c.body, "recipients") {
		only = append(only, name(recipient))
	}
	for index := range w.Runs {
		run := &w.Runs[index]
		same := run.Workflow == c.ids["workflow"] && run.CancellationKey == c.body["cancellation_key"]
		meant := len(only) == 0 || slices.ContainsFunc(run.Recipients, func(r string) bool { return slices.Contains(only, r) })
		run.Canceled = run.Canceled || same && meant
	}
	return nil, nil
}

// replayed returns the answer that the key has had, or a refusal when it comes with another request.
func (w *world) replayed(key, request string) (*Answer, *refusal) {
	earlier, ok := w.replays[key]
	if key == "" || !ok || !w.now().Before(earlier.until) {
		return nil, nil
	}
	if earlier.request != request {
		return nil, &refusal{
			status: http.StatusBadRequest, Code: "idempotency_mismatch",
			Message: "the idempotency key was used with other parameters",
		}
	}
	again := earlier.answer
	again.Header = map[string]string{"idempotent-replayed": "true", "original-x-request-id": earlier.requestID}
	return &again, nil
}

// remember keeps a success for its key.
func (w *world) remember(key, request, requestID string, answer Answer) {
	if key != "" {
		w.replays[key] = replay{w.now().Add(keyLifetime), request, requestID, answer}
	}
}
