// SPDX-License-Identifier: Apache-2.0

package outcome_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/doorbell-dev/doorbell/controllers/outcome"
)

func TestTheBoardNotifiesOfWhatChanged(t *testing.T) {
	source := types.NamespacedName{Namespace: "production", Name: "shop"}
	board := outcome.NewBoard()
	var notified []string
	board.Notify(func(mapping types.NamespacedName) { notified = append(notified, mapping.String()) })
	waiting := outcome.Verdict{UID: "1", Generation: 1, Waits: "Progressing", Pending: "pods"}
	live := outcome.Verdict{UID: "1", Generation: 1, Live: "v1"}
	for _, step := range []struct {
		name     string
		publish  outcome.Verdict
		want     outcome.Verdict
		notified []string
	}{
		{"a new verdict", waiting, waiting, []string{"production/welcome"}},
		{"the same verdict", waiting, waiting, nil},
		{"it is live", live, live, []string{"production/welcome"}},
		{"it stays live in the version in which it first was", outcome.Verdict{UID: "1", Generation: 1, Live: "v2"}, live, nil},
		{"it stays live while pods of a new version wait", waiting, live, nil},
		{
			"a new generation is not live",
			outcome.Verdict{UID: "1", Generation: 2, Pending: "pods"},
			outcome.Verdict{UID: "1", Generation: 2, Pending: "pods"},
			[]string{"production/welcome"},
		},
		{"it is live again", outcome.Verdict{UID: "1", Generation: 2, Live: "v2"}, outcome.Verdict{UID: "1", Generation: 2, Live: "v2"}, []string{"production/welcome"}},
		{
			"another mapping of the same name and generation is not live",
			outcome.Verdict{UID: "2", Generation: 2, Pending: "pods"},
			outcome.Verdict{UID: "2", Generation: 2, Pending: "pods"},
			[]string{"production/welcome"},
		},
		{
			"a refusal ends a life",
			outcome.Verdict{UID: "2", Generation: 2, Reason: "Duplicate"},
			outcome.Verdict{UID: "2", Generation: 2, Reason: "Duplicate"},
			[]string{"production/welcome"},
		},
	} {
		notified = nil
		board.Publish(source, map[string]outcome.Verdict{"welcome": step.publish})
		got, _ := board.Of(source, "welcome")
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: %s", step.name, diff)
		}
		if diff := cmp.Diff(step.notified, notified); diff != "" {
			t.Errorf("%s: notified %s", step.name, diff)
		}
	}
	board.Drop(source)
	if _, known := board.Of(source, "welcome"); known {
		t.Error("a Source that is gone is remembered")
	}
}

func TestWhatWasWrittenCountsUntilTheCacheHasIt(t *testing.T) {
	for _, tc := range []struct {
		name, version, want string
	}{
		{"an older cache", "99", "written"},
		{"the cache has it", "100", "cached"},
		{"the cache has something newer", "1000", "cached"},
		{"versions that cannot be compared", "x", "cached"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			reported := outcome.NewReported[string]()
			reported.Wrote("uid", "100", "written")
			if got := reported.Latest("uid", tc.version, "cached"); got != tc.want {
				t.Errorf("got %s; want %s", got, tc.want)
			}
			reported.Seen("uid", tc.version)
			if got := reported.Latest("uid", "1", "cached"); got != tc.want {
				t.Errorf("after the cache showed %s: got %s; want %s", tc.version, got, tc.want)
			}
			reported.Drop("uid")
			if got := reported.Latest("uid", "1", "cached"); got != "cached" {
				t.Errorf("after it is gone: got %s", got)
			}
		})
	}
}
