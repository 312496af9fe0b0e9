// SPDX-License-Identifier: Apache-2.0

package condition_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/doorbell-dev/doorbell/controllers/condition"
)

func TestProblemsAreSeparatedFromRetryableErrors(t *testing.T) {
	one, two := &condition.Problem{Type: "A", Message: "one"}, &condition.Problem{Type: "B", Message: "two"}
	lost := errors.New("connection lost")
	for _, tc := range []struct {
		name      string
		err       error
		problems  []*condition.Problem
		retryable string
	}{
		{name: "no error", err: nil},
		{name: "a problem", err: one, problems: []*condition.Problem{one}},
		{name: "a wrapped problem", err: fmt.Errorf("apply: %w", one), problems: []*condition.Problem{one}},
		{name: "another error", err: lost, retryable: "connection lost"},
		{
			name: "joined problems and errors", err: errors.Join(one, errors.Join(fmt.Errorf("read: %w", lost), two)),
			problems: []*condition.Problem{one, two}, retryable: "read: connection lost",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			problems, retryable := condition.Problems(tc.err)
			if diff := cmp.Diff(tc.problems, problems); diff != "" {
				t.Error(diff)
			}
			got := ""
			if retryable != nil {
				got = retryable.Error()
			}
			if got != tc.retryable {
				t.Errorf("retryable error is %q; want %q", got, tc.retryable)
			}
		})
	}
}

func TestTransitionTimeChangesOnlyWithTheStatus(t *testing.T) {
	earlier, now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 2, 0, 0, 0, 5, time.UTC)
	previous := []metav1.Condition{
		{Type: "Ready", Status: "True", Reason: "Old", LastTransitionTime: metav1.NewTime(earlier)},
		{Type: "Redis", Status: "True", Reason: "Same", LastTransitionTime: metav1.NewTime(earlier)},
		{Type: "Stalled", Status: "True", Reason: "Gone", LastTransitionTime: metav1.NewTime(earlier)},
	}
	set := condition.New(7, previous, now)
	set.Put("Redis", "True", "Same", "")
	set.Put("Ready", "True", "New", "")
	set.Put("Ingest", "False", "Pods", "first")
	set.Put("Ingest", "False", "Pods", "none")
	want := []metav1.Condition{
		{Type: "Ingest", Status: "False", Reason: "Pods", Message: "none", ObservedGeneration: 7, LastTransitionTime: metav1.NewTime(now.Truncate(time.Second))},
		{Type: "Ready", Status: "True", Reason: "New", ObservedGeneration: 7, LastTransitionTime: metav1.NewTime(earlier)},
		{Type: "Redis", Status: "True", Reason: "Same", ObservedGeneration: 7, LastTransitionTime: metav1.NewTime(earlier)},
	}
	if diff := cmp.Diff(want, set.List()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[:2], set.Changed()); diff != "" {
		t.Error(diff)
	}
}

func TestLongMessageIsTruncatedBetweenCharacters(t *testing.T) {
	long := strings.Repeat("é", 40_000)
	set := condition.New(1, nil, time.Time{})
	set.Put("Ready", "False", "Long", long)
	for name, tc := range map[string]struct {
		text  string
		limit int
	}{
		"the message of a condition": {set.Get("Ready").Message, 32768},
		"the note of an event":       {condition.EventNote(long), 1024},
	} {
		if len(tc.text) > tc.limit || len(tc.text) < tc.limit-5 || !utf8.ValidString(tc.text) || !strings.HasSuffix(tc.text, "é…") {
			t.Errorf("%s has %d bytes and ends with %q", name, len(tc.text), tc.text[len(tc.text)-8:])
		}
	}
}
