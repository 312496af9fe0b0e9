// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/controllers/outcome"
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
	live, pending := w.live()
	verdicts := make(map[string]outcome.Verdict, len(w.mappings))
	mistakes, warnings := w.compiled.byMapping()
	for _, m := range w.mappings {
		verdict := outcome.Verdict{Generation: m.Generation}
		if warning, ok := warnings[m.Name]; ok {
			verdict.Warning = warning.Error()
		}
		switch mistake, wrong := mistakes[m.Name]; {
		case wrong:
			verdict.Reason, verdict.Message = reasonOf(mistake), mistake.Error()
		case live:
			verdict.Live = w.compiled.bundle.Version
		default:
			verdict.Pending = pending
		}
		verdicts[m.Name] = verdict
	}
	return verdicts
}

func reasonOf(mistake compile.Problem) string {
	if mistake.DuplicateOf != "" {
		return v1alpha1.ReasonDuplicate
	}
	return v1alpha1.ReasonInvalidExpression
}

// live says whether every ready pod, and at least one, runs the current configuration; else what is waited for.
func (w *world) live() (bool, string) {
	if w.compiled.bundle == nil {
		return false, "its Source is refused; see the condition ConfigurationValid there"
	}
	version, ready, running := w.compiled.bundle.Version, 0, 0
	for _, pod := range w.pods {
		if !pod.ingest() || !pod.ready {
			continue
		}
		ready++
		if pod.runs(version) {
			running++
		}
	}
	if ready == 0 {
		return false, "no pod of its Source is ready; see the condition IngestReady there"
	}
	return running == ready, fmt.Sprintf("%d of %d pods run configuration %s", running, ready, version)
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
