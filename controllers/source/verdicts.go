// SPDX-License-Identifier: Apache-2.0

package source

import (
	"time"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/outcome"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

const (
	// lookSoon is how soon pods are asked again while something is on its way.
	lookSoon = time.Second
	// lookLate is how soon once it has been on its way for lateAfter.
	lookLate  = 10 * time.Second
	lateAfter = 2 * time.Minute
	// lookSlowly is how often pods are asked when all is settled: Redis and Knock change without an event here.
	lookSlowly = 30 * time.Second
)

// verdicts says of each mapping what became of it.
func (w *world) verdicts() map[string]outcome.Verdict {
	waits, pending := w.pending()
	verdicts := make(map[string]outcome.Verdict, len(w.mappings))
	mistakes, warnings := w.compiled.byMapping()
	for _, m := range w.mappings {
		verdict := outcome.Verdict{UID: m.UID, Generation: m.Generation}
		if warning, ok := warnings[m.Name]; ok {
			verdict.Warning = warning.Error()
		}
		switch mistake, wrong := mistakes[m.Name]; {
		case wrong:
			verdict.Reason, verdict.Message = reasonOf(mistake), mistake.Error()
		case waits == "":
			verdict.Live = w.compiled.bundle.Version
		default:
			verdict.Waits, verdict.Pending = waits, pending
		}
		verdicts[m.Name] = verdict
	}
	return verdicts
}

func reasonOf(mistake problem.Problem) string {
	if mistake.DuplicateOf != "" {
		return v1alpha1.ReasonDuplicate
	}
	return v1alpha1.ReasonInvalidExpression
}

// pending says what mappings wait for until every ready pod, and at least one, runs the current configuration, and the reason; ""
// when they do. It neither counts nor names a version: each change would be written into every mapping that waits.
func (w *world) pending() (reason, message string) {
	if w.compiled.bundle == nil {
		return v1alpha1.ReasonSourceNotReady, "its Source is refused; see the condition ConfigurationValid there"
	}
	switch running, ready := w.running(); {
	case ready == 0:
		return v1alpha1.ReasonSourceNotReady, "no pod of its Source is ready; see the condition IngestReady there"
	case running < ready:
		return v1alpha1.ReasonProgressing, "pods of its Source do not run it yet; see the condition IngestReady there"
	default:
		return "", ""
	}
}

// running counts the ready ingest pods, and those of them that run the current configuration.
func (w *world) running() (running, ready int) {
	for _, pod := range w.pods {
		if !pod.ingest() || !pod.ready {
			continue
		}
		ready++
		if pod.runs(w.compiled.bundle.Version) {
			running++
		}
	}
	return running, ready
}

// lookAgain says when to look again without being woken.
func (w *world) lookAgain(settled bool) time.Duration {
	next := lookSlowly
	if !settled {
		next = lookSoon
		if since := w.unsettledSince(); !since.IsZero() && w.now.Sub(since) > lateAfter {
			next = lookLate
		}
	}
	if !w.tokens.until.IsZero() {
		next = max(min(next, w.tokens.until.Sub(w.now)), time.Millisecond)
	}
	return next
}

// unsettledSince is when Ready ceased to hold; zero when it holds.
func (w *world) unsettledSince() time.Time {
	for _, c := range w.source.Status.Conditions {
		if c.Type == v1alpha1.ConditionReady && c.Status != "True" {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}
