// SPDX-License-Identifier: Apache-2.0

package source

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/status"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// How soon a Source is reconciled again without an event. The pods do not announce what they load or which state Redis and Knock have, so
// they are asked.
const (
	// requeueSoon applies while the Source is not settled.
	requeueSoon = time.Second
	// requeueLate applies once the Source has not been settled for lateAfter.
	requeueLate = 10 * time.Second
	lateAfter   = 2 * time.Minute
	// requeueSettled applies while the Source is settled.
	requeueSettled = 30 * time.Second
)

// mappingResults returns the result of each mapping of the Source, by name.
func (s *state) mappingResults() map[string]status.Result {
	pendingReason, pendingMessage := s.pending()
	results := make(map[string]status.Result, len(s.mappings))
	mistakes, warnings := s.compiled.byMapping()
	for _, m := range s.mappings {
		result := status.Result{UID: m.UID, Generation: m.Generation}
		if warning, ok := warnings[m.Name]; ok {
			result.Warning = warning.Error()
		}
		switch mistake, rejected := mistakes[m.Name]; {
		case rejected:
			result.RejectReason, result.RejectMessage = rejectReason(mistake), mistake.Error()
		case pendingReason == "":
			result.LiveSince = s.compiled.bundle.Version
		default:
			result.PendingReason, result.PendingMessage = pendingReason, pendingMessage
		}
		results[m.Name] = result
	}
	return results
}

func rejectReason(mistake problem.Problem) string {
	if mistake.DuplicateOf != "" {
		return v1alpha1.ReasonDuplicate
	}
	return v1alpha1.ReasonInvalidExpression
}

// pending returns the reason and the message of what the mappings wait for, or "" if at least one ingest pod is ready and every ready one
// runs the current configuration. The message contains no numbers and no version: every change of it is written into the status of every
// mapping that waits.
func (s *state) pending() (reason, message string) {
	if s.compiled.bundle == nil {
		return v1alpha1.ReasonSourceNotReady, "the Source is rejected; see its condition ConfigurationValid"
	}
	switch running, ready := s.countRunning(); {
	case ready == 0:
		return v1alpha1.ReasonSourceNotReady, "the Source has no ready pod; see its condition IngestReady"
	case running < ready:
		return v1alpha1.ReasonProgressing, "waiting for the pods of the Source to load it; see the condition IngestReady of the Source"
	default:
		return "", ""
	}
}

// countRunning counts the ready ingest pods, and the ones of them that run the current configuration.
func (s *state) countRunning() (running, ready int) {
	for _, pod := range s.pods {
		if !pod.ingest() || !pod.ready {
			continue
		}
		ready++
		if pod.runs(s.compiled.bundle.Version) {
			running++
		}
	}
	return running, ready
}

// requeueAfter returns how soon the Source is to be reconciled again: at the latest when the previous token expires.
func (s *state) requeueAfter(settled bool) time.Duration {
	next := requeueSettled
	if !settled {
		next = requeueSoon
		if since := s.notReadySince(); !since.IsZero() && s.now.Sub(since) > lateAfter {
			next = requeueLate
		}
	}
	if !s.tokens.until.IsZero() {
		next = max(min(next, s.tokens.until.Sub(s.now)), time.Millisecond)
	}
	return next
}

// notReadySince returns when the Source stopped being Ready, or the zero time if it is Ready.
func (s *state) notReadySince() time.Time {
	for _, c := range s.source.Status.Conditions {
		if c.Type == v1alpha1.ConditionReady && c.Status != metav1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}
