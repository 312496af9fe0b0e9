// SPDX-License-Identifier: Apache-2.0

package source

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// state is what one condition comes to.
type state struct {
	status          metav1.ConditionStatus
	reason, message string
	// stalled marks what needs somebody.
	stalled bool
	// harmless leaves the Source Ready although the condition is not True.
	harmless bool
}

func good(format string, args ...any) state {
	return state{status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, message: fmt.Sprintf(format, args...)}
}

func bad(reason, format string, args ...any) state {
	return state{status: metav1.ConditionFalse, reason: reason, message: fmt.Sprintf(format, args...)}
}

func unknown(reason, format string, args ...any) state {
	return state{status: metav1.ConditionUnknown, reason: reason, message: fmt.Sprintf(format, args...)}
}

// conditions works out every condition of the Source.
func (w *world) conditions(retryable error) *condition.Set {
	set := condition.New(w.source.Generation, w.source.Status.Conditions, w.now)
	var open []state
	for _, part := range []struct {
		kind  string
		state state
	}{
		{v1alpha1.ConditionConfigurationValid, w.configurationValid()},
		{v1alpha1.ConditionMappingsAccepted, w.mappingsAccepted()},
		{v1alpha1.ConditionEndpointReady, w.endpointReady()},
		{v1alpha1.ConditionRedisReady, w.redisReady()},
		{v1alpha1.ConditionIngestReady, w.ingestReady()},
		{v1alpha1.ConditionKnockReachable, w.knockReachable()},
	} {
		state := w.overridden(part.kind, part.state)
		set.Put(part.kind, state.status, state.reason, state.message)
		if state.status != metav1.ConditionTrue && !state.harmless {
			state.message = part.kind + ": " + state.message
			open = append(open, state)
		}
	}
	w.summarize(set, open, retryable)
	return set
}

// overridden replaces a state by the problem that was found on the way; one that needs somebody goes first.
func (w *world) overridden(kind string, otherwise state) state {
	var found []*condition.Problem
	for _, problem := range w.problems {
		if problem.Type == kind {
			found = append(found, problem)
		}
	}
	if len(found) == 0 {
		return otherwise
	}
	slices.SortStableFunc(found, func(a, b *condition.Problem) int { return cmp.Compare(stalledFirst(a), stalledFirst(b)) })
	messages := make([]string, len(found))
	for i, problem := range found {
		messages[i] = problem.Message
	}
	state := bad(found[0].Reason, "%s", strings.Join(messages, "; "))
	state.stalled = found[0].Stalled
	return state
}

func stalledFirst(problem *condition.Problem) int {
	if problem.Stalled {
		return 0
	}
	return 1
}

// summarize puts Ready and, while they hold, Reconciling and Stalled.
func (w *world) summarize(set *condition.Set, open []state, retryable error) {
	if retryable != nil {
		open = append(open, bad(v1alpha1.ReasonProgressing, "%v", retryable))
	}
	if len(open) == 0 {
		url, _ := render.URL(w.source)
		set.Put(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, w.readyMessage(set, url))
		return
	}
	first := open[0]
	for _, state := range open {
		if state.stalled && !first.stalled {
			first = state
		}
	}
	set.Put(v1alpha1.ConditionReady, metav1.ConditionFalse, first.reason, first.message)
	if first.stalled {
		set.Put(v1alpha1.ConditionStalled, metav1.ConditionTrue, first.reason, first.message)
		return
	}
	set.Put(v1alpha1.ConditionReconciling, metav1.ConditionTrue, first.reason, first.message)
}

func (w *world) readyMessage(set *condition.Set, url string) string {
	parts := []string{"takes events at " + url}
	if w.source.Spec.Delivery.Suspend {
		parts = append(parts, "deliveries are suspended")
	}
	for _, kind := range []string{v1alpha1.ConditionMappingsAccepted, v1alpha1.ConditionRedisReady, v1alpha1.ConditionKnockReachable} {
		if c := set.Get(kind); c.Status == metav1.ConditionFalse {
			parts = append(parts, kind+": "+c.Message)
		}
	}
	return strings.Join(parts, "; ")
}

func (w *world) configurationValid() state {
	switch {
	case w.compiled.tooLarge != nil:
		state := bad(v1alpha1.ReasonConfigurationTooLarge, "%v; the last good configuration keeps running", w.compiled.tooLarge)
		state.stalled = true
		return state
	case w.compiled.bundle == nil || w.compiled.sourceProblems() != "":
		state := bad(v1alpha1.ReasonInvalidSpec, "%s", w.compiled.sourceProblems())
		state.stalled = true
		return state
	default:
		return good("configuration %s", w.compiled.bundle.Version)
	}
}

func (w *world) mappingsAccepted() state {
	mistakes, _ := w.compiled.byMapping()
	delete(mistakes, "")
	if len(mistakes) == 0 {
		return good("%d mappings", len(w.mappings))
	}
	names := make([]string, 0, len(mistakes))
	for name := range mistakes {
		names = append(names, name)
	}
	slices.Sort(names)
	more := ""
	if len(names) > 10 {
		names, more = names[:10], ", …"
	}
	state := bad(v1alpha1.ReasonMappingsRejected, "%d of %d refused: %s%s; each says why in its own status",
		len(mistakes), len(w.mappings), strings.Join(names, ", "), more)
	state.harmless = true
	return state
}

func (w *world) knockReachable() state {
	if w.source.Spec.Delivery.Suspend {
		return harmless(unknown(v1alpha1.ReasonSuspended, "spec.delivery.suspend holds deliveries back; events are taken all the same"))
	}
	worst := report.Knock{State: report.KnockIdle}
	for _, pod := range w.pods {
		if pod.ready && pod.report != nil && !pod.report.Configuration.APIKey {
			return bad(v1alpha1.ReasonProgressing, "pod %s has not taken the API key yet; its deliveries wait", pod.object.Name)
		}
		if pod.report != nil && severity(pod.report.Knock.State) > severity(worst.State) {
			worst = pod.report.Knock
		}
	}
	switch worst.State {
	case report.KnockUnauthorized:
		state := bad(v1alpha1.ReasonUnauthorized, "%s; deliveries wait until the key in Secret %q is right, and nothing is lost",
			worst.Problem, w.source.Spec.Knock.APIKeySecretRef.Name)
		state.stalled = true
		return state
	case report.KnockUnreachable:
		return harmless(bad(v1alpha1.ReasonUnreachable, "%s; deliveries are retried", worst.Problem))
	case report.KnockRateLimited:
		return harmless(bad(v1alpha1.ReasonRateLimited, "%s; deliveries slow down", worst.Problem))
	case report.KnockReachable:
		return good("the latest calls were answered")
	default:
		return harmless(unknown(v1alpha1.ReasonNotCalled, "no call was made yet"))
	}
}

func harmless(s state) state {
	s.harmless = true
	return s
}

func severity(state report.KnockState) int {
	return slices.Index([]report.KnockState{
		report.KnockIdle, report.KnockReachable, report.KnockRateLimited, report.KnockUnreachable, report.KnockUnauthorized,
	}, state)
}
