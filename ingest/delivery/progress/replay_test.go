// SPDX-License-Identifier: Apache-2.0

package progress_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

func TestAReplayRunsOnlyTheActionsThatHaveNotSucceeded(t *testing.T) {
	t.Parallel()
	statuses := func(p *progress.Progress) map[string]eventlog.Status {
		got := map[string]eventlog.Status{}
		for _, a := range p.Actions {
			got[a.Mapping] = a.Status
		}
		return got
	}
	deadLetter := &progress.Progress{Sent: true, Actions: []*progress.Action{
		{Mapping: "identify", Status: eventlog.Succeeded}, {Mapping: "order", Status: eventlog.DeadLettered}, {Mapping: "vip", Status: eventlog.Skipped},
	}}
	replay, err := progress.Decode(progress.ForReplay(deadLetter.Encode()))
	if err != nil || replay.Sent {
		t.Fatalf("the progress of the replay is %+v, %v; want one of which nothing was sent", replay, err)
	}
	planned := &progress.Progress{Actions: []*progress.Action{
		{Mapping: "identify", Status: eventlog.Received},
		{Mapping: "order", Status: eventlog.Received},
		{Mapping: "vip", Status: eventlog.Received},
		{Mapping: "new", Status: eventlog.Received},
	}}
	planned.KeepSucceeded(replay)
	want := map[string]eventlog.Status{
		"identify": eventlog.Succeeded, "order": eventlog.Received, "vip": eventlog.Received, "new": eventlog.Received,
	}
	if diff := cmp.Diff(want, statuses(planned)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAReplayPlansAnEventAgainIfNoActionHasSucceeded(t *testing.T) {
	t.Parallel()
	failed := &progress.Progress{Sent: true, Actions: []*progress.Action{{Mapping: "order", Status: eventlog.DeadLettered}}}
	for name, stored := range map[string][]byte{"nothing succeeded": failed.Encode(), "unreadable": []byte("\x00"), "none": nil} {
		if got := progress.ForReplay(stored); got != nil {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
