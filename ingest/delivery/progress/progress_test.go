// SPDX-License-Identifier: Apache-2.0

package progress_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// planned returns the progress of an event with one action for each endpoint.
func planned(endpoints ...knock.Endpoint) *progress.Progress {
	var plan mapping.Plan
	for _, endpoint := range endpoints {
		plan.Actions = append(plan.Actions, mapping.Action{Requests: []knock.Request{{Endpoint: endpoint}}})
	}
	return progress.New(plan)
}

func TestAPlanIsStoredUnlessItHasOneCallThatCanBeRepeatedWithoutHarm(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		progress *progress.Progress
		want     bool
	}{
		"no call":          {planned(), false},
		"one identify":     {planned(knock.IdentifyUser), false},
		"one trigger":      {planned(knock.TriggerWorkflow), true},
		"one delete":       {planned(knock.DeleteUser), true},
		"two identifies":   {planned(knock.IdentifyUser, knock.IdentifyUser), true},
		"unknown":          {planned("inventedLater"), true},
		"a skipped action": {progress.New(mapping.Plan{Actions: []mapping.Action{{Skipped: "no id"}}}), false},
	} {
		if got := tc.progress.MustBeStored(); got != tc.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestAStoredProgressIsReadAgain(t *testing.T) {
	t.Parallel()
	p := planned(knock.CancelWorkflow, knock.TriggerWorkflow)
	p.Sent, p.Spent, p.Actions[1].Failures, p.Actions[0].Calls[0].Done = true, time.Minute, 3, true
	p.MarkStored()
	got, err := progress.Decode(p.Encode())
	if diff := cmp.Diff(p, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// Earlier versions of Doorbell stored the progress with encoding/json, and read it with encoding/json.
func TestTheStoredFormIsTheJSONOfEncodingJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 0, 0, 0, 123_000, time.UTC)
	call := progress.Call{
		Request: knock.Request{
			Endpoint: knock.TriggerWorkflow, Method: "POST", Path: "/v1/workflows/a%20b/trigger?x=1&y=<", Body: json.RawMessage(`{"a":1.50,"h":"<&>"}`),
			IdempotencyKey: "k",
		},
		Done: true, Failure: "rejected \"<it>\"", Status: 422, Response: "<html>é", At: &at, Took: 1500, Repeated: true, Stored: true,
		Bulk: &progress.Bulk{Operation: "op1", Pending: true, Until: at},
	}
	for name, p := range map[string]*progress.Progress{
		"nothing": {},
		"a plan":  planned(knock.IdentifyUser, knock.TriggerWorkflow),
		"every field": {
			Version: 1, Sent: true, Spent: time.Minute, Timestamp: "2026", Notes: []string{"a", ""}, Reason: "no mapping",
			Actions: []*progress.Action{{}, {
				Mapping: "order", Name: "triggerWorkflow", Status: eventlog.DeadLettered, Reason: "why", Notes: []string{"n"}, Attempts: 2,
				Cause: progress.Rejected, Failures: 3, Calls: []*progress.Call{{}, {Bulk: &progress.Bulk{}}, &call},
			}},
		},
	} {
		var want strings.Builder
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(p); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSuffix(want.String(), "\n"), string(p.Encode())); diff != "" {
			t.Errorf("%s (-encoding/json +Encode)\n%s", name, diff)
		}
	}
}

func TestAProgressOfTheFirstVersionIsReadAsSent(t *testing.T) {
	t.Parallel()
	got, err := progress.Decode([]byte(`{"failures":2,"spent":5,"actions":[{"mapping":"order","action":"triggerWorkflow","status":"retrying",
		"attempts":2,"calls":[{"request":{"endpoint":"triggerWorkflow","method":"POST","path":"/v1/x"}}]}]}`))
	want := &progress.Progress{Version: 1, Sent: true, Spent: 5, Actions: []*progress.Action{{
		Mapping: "order", Name: "triggerWorkflow", Status: eventlog.Retrying, Attempts: 2,
		Calls: []*progress.Call{{Request: knock.Request{Endpoint: knock.TriggerWorkflow, Method: "POST", Path: "/v1/x"}}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestAnUnreadableProgressSaysWhetherARequestMayHaveBeenSent(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stored string
		sent   bool
	}{
		"not JSON":                           {"\x00", true},
		"a newer version":                    {`{"version":99,"sent":true}`, true},
		"a newer version, nothing sent":      {`{"version":99,"sent":false}`, false},
		"a newer version without the field":  {`{"version":99}`, true},
		"a field of another type, not sent":  {`{"version":1,"sent":false,"actions":7}`, false},
		"the first version, of another type": {`{"actions":7}`, true},
	} {
		_, err := progress.Decode([]byte(tc.stored))
		unreadable, ok := errors.AsType[*progress.UnreadableError](err)
		if !ok || unreadable.Sent != tc.sent {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestACallThatWouldUndoATriggerIsStoredBeforeTheTriggerStarts(t *testing.T) {
	t.Parallel()
	done := func(p *progress.Progress) *progress.Progress {
		p.Actions[0].Calls[0].Done = true
		return p
	}
	stored := done(planned(knock.CancelWorkflow, knock.TriggerWorkflow))
	stored.MarkStored()
	for name, tc := range map[string]struct {
		progress *progress.Progress
		want     bool
	}{
		"a cancellation before a trigger":              {done(planned(knock.CancelWorkflow, knock.TriggerWorkflow)), true},
		"a removal of a user before a trigger":         {done(planned(knock.DeleteUser, knock.TriggerWorkflow)), true},
		"a cancellation that is stored":                {stored, false},
		"a cancellation that has not succeeded":        {planned(knock.CancelWorkflow, knock.TriggerWorkflow), false},
		"an identification before a trigger":           {done(planned(knock.IdentifyUser, knock.TriggerWorkflow)), false},
		"a removal before a call that is repeated too": {done(planned(knock.Unsubscribe, knock.AddAudienceMember)), false},
	} {
		if got := tc.progress.RepeatWouldUndo(tc.progress.Actions[1].Calls[0]); got != tc.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestAnIdentifyWaitsForAnOperationWhoseOutcomeIsUnknown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var none *progress.Bulk
	for name, tc := range map[string]struct {
		bulk *progress.Bulk
		want time.Duration
	}{
		"no operation":                             {none, 0},
		"an operation that has ended":              {&progress.Bulk{Operation: "op1"}, 0},
		"an operation without a stored outcome":    {&progress.Bulk{Pending: true}, time.Minute},
		"a part of the time is left":               {&progress.Bulk{Until: now.Add(20 * time.Second)}, 20 * time.Second},
		"the time is over":                         {&progress.Bulk{Until: now.Add(-time.Second)}, 0},
		"the clock of the other process was ahead": {&progress.Bulk{Until: now.Add(time.Hour)}, time.Minute},
	} {
		if got := tc.bulk.Wait(now, time.Minute); got != tc.want {
			t.Errorf("%s: %v; want %v", name, got, tc.want)
		}
		if got := tc.bulk.Wait(now.Add(time.Hour+time.Minute), time.Minute); got != 0 {
			t.Errorf("%s, later: %v", name, got)
		}
	}
}
