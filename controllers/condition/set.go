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
	// maxMessage is the API's bound on a message, in bytes.
	maxMessage = 32768
	// maxNote is the API's bound on the note of an event, in bytes; an event with a longer one is refused.
	maxNote = 1024
)

// Set collects the conditions of one resource. A type that is not put is absent.
type Set struct {
	generation int64
	was        []metav1.Condition
	now        metav1.Time
	conditions []metav1.Condition
}

// New returns an empty set for a resource of that generation. The time of a condition moves from what it was only when its
// status does.
func New(generation int64, was []metav1.Condition, now time.Time) *Set {
	return &Set{generation: generation, was: was, now: metav1.NewTime(now.Truncate(time.Second))}
}

// Put adds a condition, or replaces the one of its type.
func (s *Set) Put(kind string, status metav1.ConditionStatus, reason, message string) {
	message = shortened(message, maxMessage)
	put := metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message, ObservedGeneration: s.generation, LastTransitionTime: s.now,
	}
	if before := find(s.was, kind); before != nil && before.Status == status {
		put.LastTransitionTime = before.LastTransitionTime
	}
	if present := find(s.conditions, kind); present != nil {
		*present = put
		return
	}
	s.conditions = append(s.conditions, put)
}

// Note returns a message as far as an event can hold it.
func Note(message string) string { return shortened(message, maxNote) }

// shortened cuts a text between two characters, and says that it did.
func shortened(text string, most int) string {
	const more = "…"
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(more)], "") + more
}

// Get returns the condition of a type, nil when it was not put.
func (s *Set) Get(kind string) *metav1.Condition { return find(s.conditions, kind) }

// List returns the conditions in the order of their types.
func (s *Set) List() []metav1.Condition {
	list := slices.Clone(s.conditions)
	slices.SortFunc(list, func(a, b metav1.Condition) int { return cmp.Compare(a.Type, b.Type) })
	return list
}

// Changed returns the conditions whose status or reason is another than before.
func (s *Set) Changed() []metav1.Condition {
	var changed []metav1.Condition
	for _, now := range s.List() {
		if before := find(s.was, now.Type); before == nil || before.Status != now.Status || before.Reason != now.Reason {
			changed = append(changed, now)
		}
	}
	return changed
}

// Apply returns conditions as server-side apply takes them.
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
