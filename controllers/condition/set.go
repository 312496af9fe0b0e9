// SPDX-License-Identifier: Apache-2.0

package condition

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
)

const (
	// maxMessage is the longest message that the API accepts in a condition, in bytes.
	maxMessage = 32768
	// maxNote is the longest note that the API accepts in an Event, in bytes. It rejects an Event with a longer one.
	maxNote = 1024
)

// Set collects the conditions of one resource. A condition that is not put is absent from the status. It is not safe for concurrent
// use.
type Set struct {
	generation int64
	previous   []metav1.Condition
	now        metav1.Time
	conditions []metav1.Condition
}

// New returns an empty set for a resource of the given generation. A condition whose status equals the status of the previous
// condition keeps the transition time of that one; every other condition gets the time now.
func New(generation int64, previous []metav1.Condition, now time.Time) *Set {
	return &Set{generation: generation, previous: previous, now: metav1.NewTime(now.Truncate(time.Second))}
}

// Put adds a condition, or replaces the condition of the same type. It truncates a message that is too long for the API.
func (s *Set) Put(kind string, status metav1.ConditionStatus, reason, message string) {
	message = truncate(message, maxMessage)
	put := metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: s.generation, LastTransitionTime: s.now,
	}
	if before := find(s.previous, kind); before != nil && before.Status == status {
		put.LastTransitionTime = before.LastTransitionTime
	}
	if present := find(s.conditions, kind); present != nil {
		*present = put
		return
	}
	s.conditions = append(s.conditions, put)
}

// EventNote returns the message, truncated to the length that an Event can have.
func EventNote(message string) string { return truncate(message, maxNote) }

// truncate cuts a text to at most limit bytes. It cuts between two characters and marks the cut with an ellipsis.
func truncate(text string, limit int) string {
	const ellipsis = "…"
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit-len(ellipsis)], "") + ellipsis
}

// Get returns the condition of a type, or nil if it was not put.
func (s *Set) Get(kind string) *metav1.Condition { return find(s.conditions, kind) }

// List returns the conditions, sorted by type.
func (s *Set) List() []metav1.Condition {
	list := slices.Clone(s.conditions)
	slices.SortFunc(list, func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) })
	return list
}

// Changed returns the conditions that are new or whose status or reason differs from the previous condition, sorted by type.
func (s *Set) Changed() []metav1.Condition {
	var changed []metav1.Condition
	for _, now := range s.List() {
		if before := find(s.previous, now.Type); before == nil || before.Status != now.Status || before.Reason != now.Reason {
			changed = append(changed, now)
		}
	}
	return changed
}

// Apply returns the conditions as apply configurations.
func Apply(conditions []metav1.Condition) []*metav1ac.ConditionApplyConfiguration {
	out := make([]*metav1ac.ConditionApplyConfiguration, len(conditions))
	for i, c := range conditions {
		out[i] = metav1ac.Condition().WithType(c.Type).WithStatus(c.Status).WithReason(c.Reason).WithMessage(c.Message).
			WithObservedGeneration(c.ObservedGeneration).WithLastTransitionTime(c.LastTransitionTime)
	}
	return out
}

func find(conditions []metav1.Condition, kind string) *metav1.Condition {
	for i := range conditions {
		if conditions[i].Type == kind {
			return &conditions[i]
		}
	}
	return nil
}
