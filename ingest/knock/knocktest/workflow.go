// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"net/http"
	"slices"
	"time"
)

// keyLifetime is how long Knock remembers an idempotency key.
const keyLifetime = 24 * time.Hour

// replay is the response to the first call with an idempotency key.
type replay struct {
	until     time.Time
	request   string // a fingerprint of the path and the body
	requestID string
	answer    Answer
}

func (s *store) trigger(c *call) (any, *rejection) {
	workflow := c.ids["workflow"]
	if s.workflows != nil && !slices.Contains(s.workflows, workflow) {
		return nil, &rejection{status: http.StatusNotFound, Code: "workflow_missing", Message: "the workflow was not found"}
	}
	run := Run{ID: s.newID(), Workflow: workflow, IdempotencyKey: c.key}
	if actor := c.body["actor"]; actor != nil {
		reference, known := s.refer(actor)
		if !known {
			return nil, &rejection{status: http.StatusNotFound, Code: "actor_missing", Message: "the actor was not found"}
		}
		run.Actor = reference
	}
	for _, recipient := range list(c.body, "recipients") {
		reference, known := s.refer(recipient)
		run.Recipients = append(run.Recipients, reference)
		if !known {
			run.Unknown = append(run.Unknown, reference)
		}
	}
	if tenant := c.body["tenant"]; tenant != nil {
		run.Tenant = name(tenant)
		described, _ := tenant.(map[string]any)
		s.Tenants[run.Tenant] = merge(s.Tenants[run.Tenant], without(described, "id"))
	}
	run.Data, _ = c.body["data"].(map[string]any)
	run.CancellationKey, _ = c.body["cancellation_key"].(string)
	s.Runs = append(s.Runs, run)
	return map[string]string{"workflow_run_id": run.ID}, nil
}

// cancel cancels whole runs. If a run has one of the call's recipients, it is canceled for all its recipients.
func (s *store) cancel(c *call) (any, *rejection) {
	var only []string
	for _, recipient := range list(c.body, "recipients") {
		only = append(only, name(recipient))
	}
	for index := range s.Runs {
		run := &s.Runs[index]
		same := run.Workflow == c.ids["workflow"] && run.CancellationKey == c.body["cancellation_key"]
		affected := len(only) == 0 || slices.ContainsFunc(run.Recipients, func(r string) bool { return slices.Contains(only, r) })
		run.Canceled = run.Canceled || same && affected
	}
	return nil, nil
}

// findReplay returns the earlier response to a call with the same key, or nil. If the earlier call was different, it
// returns a rejection.
func (s *store) findReplay(key, request string) (*Answer, *rejection) {
	earlier, ok := s.replays[key]
	if key == "" || !ok || !s.now().Before(earlier.until) {
		return nil, nil
	}
	if earlier.request != request {
		return nil, &rejection{
			status: http.StatusBadRequest, Code: "idempotency_mismatch",
			Message: "the idempotency key was used with different parameters",
		}
	}
	again := earlier.answer
	again.Header = map[string]string{"idempotent-replayed": "true", "original-x-request-id": earlier.requestID}
	return &again, nil
}

// remember stores a successful response under its idempotency key.
func (s *store) remember(key, request, requestID string, answer Answer) {
	if key != "" {
		s.replays[key] = replay{s.now().Add(keyLifetime), request, requestID, answer}
	}
}
