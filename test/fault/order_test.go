// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// script answers the attempts at identify and at trigger in turn. The fake answers further attempts as usual.
type script struct {
	identify, trigger    []*knocktest.Answer
	identifies, triggers atomic.Int64
}

func (s *script) respond(call knocktest.Call) *knocktest.Answer {
	answers, attempt := s.identify, &s.identifies
	if call.Endpoint == knock.TriggerWorkflow {
		answers, attempt = s.trigger, &s.triggers
	}
	if n := int(attempt.Add(1)) - 1; n < len(answers) {
		return answers[n]
	}
	return nil
}

func TestAnIdentifyAndAnOrderReachKnockOnceAndInOrderDespiteFailures(t *testing.T) {
	t.Parallel()
	s, rudder := newDevFixture(t), newSender(t)
	failed := &knocktest.Answer{Status: http.StatusInternalServerError}
	never := make(chan struct{})
	answers := &script{
		identify: []*knocktest.Answer{failed, {Hold: never}, failed},
		trigger:  []*knocktest.Answer{failed, {After: true, Drop: true}},
	}
	s.knock.Respond(answers.respond)
	p := s.start()

	rudder.expectAccepted(t, p.url, identify("u_1"), 1, 0)
	rudder.expectAccepted(t, p.url, order("u_1", 1), 1, 0)
	rudder.expectAccepted(t, p.url, "["+order("u_1", 1)+","+identify("u_1")+"]", 0, 2)
	s.awaitCalls("second attempt at identify", func(calls []knocktest.Call) bool { return len(calls) == 2 })
	p.kill() // during the call to Knock

	began := time.Now()
	p = s.start()
	rudder.expectAccepted(t, p.url, order("u_1", 1), 0, 1)
	s.awaitCalls("third attempt at identify", func(calls []knocktest.Call) bool { return len(calls) >= 3 })
	checkWithin(t, "the next attempt after the kill", began, 10*time.Second) // a lease lasts 30 s
	rudder.expectAccepted(t, p.url, identify("u_1"), 0, 1)

	s.awaitLog(eventlog.Succeeded, 2)
	rudder.expectAccepted(t, p.url, "["+identify("u_1")+","+order("u_1", 1)+"]", 0, 2)
	p.awaitEvents(6) // two that succeeded and four duplicates
	s.awaitLog(eventlog.Duplicate, 6)

	type attempt struct {
		Method, Path string
		Status       int
		Replayed     bool
	}
	var got []attempt
	for _, call := range s.knock.Calls() {
		got = append(got, attempt{call.Method, call.Path, call.Status, call.Replayed})
	}
	const put, post, user, workflow = "PUT", "POST", "/v1/users/u_1", "/v1/workflows/order-completed/trigger"
	want := []attempt{
		{put, user, 500, false},
		{put, user, knocktest.Dropped, false},
		{put, user, 500, false},
		{put, user, 200, false},
		{post, workflow, 500, false},
		{post, workflow, knocktest.Dropped, false},
		{post, workflow, 200, true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	checkSameBytes(t, s.knock.Calls())
	if runs := s.knock.State().Runs; len(runs) != 1 || len(runs[0].Unknown) != 0 {
		t.Errorf("workflow runs: %+v; want one, for a user that Knock knows", runs)
	}
}

func TestARetrySendsTheSameRequestAfterItsMappingChanged(t *testing.T) {
	t.Parallel()
	s, rudder := newDevFixture(t), newSender(t)
	s.write("welcome.yaml", welcome("first"))
	answers := &script{trigger: []*knocktest.Answer{{Hold: make(chan struct{})}}}
	s.knock.Respond(answers.respond)
	p := s.start()
	rudder.expectAccepted(t, p.url, signedUp("u_1"), 1, 0)
	s.awaitCalls("first attempt", func(calls []knocktest.Call) bool { return len(calls) == 1 })
	p.kill()

	s.write("welcome.yaml", welcome("second"))
	p = s.start()
	rudder.expectAccepted(t, p.url, signedUp("u_2"), 1, 0)
	awaitEvent(p, "u_1", eventlog.Succeeded)
	awaitEvent(p, "u_2", eventlog.Succeeded)

	var ran []string
	for _, run := range s.knock.State().Runs {
		ran = append(ran, run.Recipients[0]+" "+run.Workflow)
	}
	slices.Sort(ran)
	if diff := cmp.Diff([]string{"u_1 first", "u_2 second"}, ran); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	checkSameBytes(t, s.knock.Calls())
}
