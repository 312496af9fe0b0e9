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
)

// conditionState is the content of one condition, and what it means for Ready.
type conditionState struct {
	status          metav1.ConditionStatus
	reason, message string
	// stalled marks a state that a user has to resolve.
	stalled bool
	// harmless marks a state that leaves the Source Ready although the condition is not True.
	harmless bool
}

func succeeded(format string, args ...any) conditionState {
	return conditionState{status: metav1.ConditionTrue, reason: v1alpha1.ReasonSucceeded, message: fmt.Sprintf(format, args...)}
}

func failed(reason, format string, args ...any) conditionState {
	return conditionState{status: metav1.ConditionFalse, reason: reason, message: fmt.Sprintf(format, args...)}
}

func unknown(reason, format string, args ...any) conditionState {
	return conditionState{status: metav1.ConditionUnknown, reason: reason, message: fmt.Sprintf(format, args...)}
}

func stalled(s conditionState) conditionState {
	s.stalled = true
	return s
}

func harmless(s conditionState) conditionState {
	s.harmless = true
	return s
}

// conditions returns every condition of the Source.
func (s *state) conditions() *condition.Set {
	set := condition.New(s.source.Generation, s.source.Status.Conditions, s.now)
	var open []conditionState
	for _, part := range []struct {
		kind  string
		state conditionState
	}{
		{v1alpha1.ConditionConfigurationValid, s.configurationValid()},
		{v1alpha1.ConditionMappingsAccepted, s.mappingsAccepted()},
		{v1alpha1.ConditionEndpointReady, s.endpointReady()},
		{v1alpha1.ConditionRedisReady, s.redisReady()},
		{v1alpha1.ConditionIngestReady, s.ingestReady()},
		{v1alpha1.ConditionKnockReachable, s.knockReachable()},
	} {
		state := s.withProblems(part.kind, part.state)
		set.Put(part.kind, state.status, state.reason, state.message)
		if state.status != metav1.ConditionTrue && !state.harmless {
			state.message = part.kind + ": " + state.message
			open = append(open, state)
		}
	}
	s.summarize(set, open)
	return set
}

// withProblems returns the state that the problems of the given condition result in, or the given state if there are none. The
// problems that a user has to resolve come first.
func (s *state) withProblems(kind string, without conditionState) conditionState {
	var found []*condition.Problem
	for _, problem := range s.problems() {
		if problem.Type == kind {
			found = append(found, problem)
		}
	}
	if len(found) == 0 {
		return without
	}
	slices.SortStableFunc(found, func(a, b *condition.Problem) int { return cmp.Compare(stalledFirst(a), stalledFirst(b)) })
	messages := make([]string, len(found))
	for i, problem := range found {
		messages[i] = problem.Message
	}
	state := failed(found[0].Reason, "%s", strings.Join(messages, "; "))
	state.stalled = found[0].Stalled
	return state
}

func stalledFirst(problem *condition.Problem) int {
	if problem.Stalled {
		return 0
	}
	return 1
}

// summarize puts Ready and, while they are True, Reconciling or Stalled. It takes reason and message from the first open state, or from
// the first one that a user has to resolve.
func (s *state) summarize(set *condition.Set, open []conditionState) {
	if s.retryable != nil {
		open = append(open, failed(v1alpha1.ReasonProgressing, "%v", s.retryable))
	}
	if len(open) == 0 {
		url, _ := render.URL(s.source)
		set.Put(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonSucceeded, s.readyMessage(set, url))
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

// readyMessage returns the message of Ready while it is True. It mentions the conditions that are False nevertheless.
func (s *state) readyMessage(set *condition.Set, url string) string {
	parts := []string{"accepts events at " + url}
	if s.source.Spec.Delivery.Suspend {
		parts = append(parts, "deliveries are suspended")
	}
	for _, kind := range []string{v1alpha1.ConditionMappingsAccepted, v1alpha1.ConditionRedisReady, v1alpha1.ConditionKnockReachable} {
		if c := set.Get(kind); c.Status == metav1.ConditionFalse {
			parts = append(parts, kind+": "+c.Message)
		}
	}
	return strings.Join(parts, "; ")
}

func (s *state) configurationValid() conditionState {
	switch {
	case s.compiled.tooLarge != nil:
		return stalled(failed(v1alpha1.ReasonConfigurationTooLarge, "%v; the last valid configuration keeps running", s.compiled.tooLarge))
	case s.compiled.bundle == nil || s.compiled.sourceProblems() != "":
		return stalled(failed(v1alpha1.ReasonInvalidSpec, "%s", s.compiled.sourceProblems()))
	default:
		return succeeded("compiled configuration %s", s.compiled.bundle.Version)
	}
}

// maxRejectedNames is how many names of rejected mappings a message lists.
const maxRejectedNames = 10

func (s *state) mappingsAccepted() conditionState {
	names := s.rejectedMappings()
	rejected := len(names)
	if rejected == 0 {
		return succeeded("all %d ActionMappings accepted", len(s.mappings))
	}
	more := ""
	if rejected > maxRejectedNames {
		names, more = names[:maxRejectedNames], ", …"
	}
	return harmless(failed(v1alpha1.ReasonMappingsRejected, "%d of %d ActionMappings rejected: %s%s; see the status of each for the reason",
		rejected, len(s.mappings), strings.Join(names, ", "), more))
}

// rejectedMappings returns the names of the mappings with a mistake, sorted.
func (s *state) rejectedMappings() []string {
	mistakes, _ := s.compiled.byMapping()
	names := make([]string, 0, len(mistakes))
	for name := range mistakes {
		if name != "" { // the Source itself
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
