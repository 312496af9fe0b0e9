// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestKillingRedisUnderLoadLosesNoEvent(t *testing.T) {
	t.Parallel()
	s := newDevFixture(t)
	all, rudder := workload{users: 10, orders: 20, gates: gates(1)}, newSender(t)
	p := s.start()

	wait := all.start(t, rudder, p.url)
	s.awaitCalls("workflow runs before the kill", workflowsRun(20))
	close(all.gates[0])
	rudder.awaitAnswers(t, http.StatusOK, 110)
	s.redis.Kill()
	rudder.awaitAnswers(t, http.StatusTooManyRequests, 200)
	s.redis.Start()
	wait()

	all.checkDelivered(t, s)
	checkNothingRejected(t, s.knock.Calls())
	checkAnswers(t, rudder)
	t.Logf("%d calls for %d events; answers: %v, the slowest after %v",
		len(s.knock.Calls()), all.size(), rudder.answers(), rudder.slowest)
}

func TestAProcessThatStartsWithoutRedisWaitsForIt(t *testing.T) {
	t.Parallel()
	s := newDevFixture(t)
	s.redis.Kill()
	rudder := newSender(t)
	p := s.start()
	status, text := rudder.post(t.Context(), p.url, order("u_1", 1))
	want := `{"error":{"code":"unavailable","message":"events cannot be stored at the moment; retry later"}}` + "\n"
	if diff := cmp.Diff([]any{http.StatusTooManyRequests, want}, []any{status, text}); diff != "" {
		t.Error(diff)
	}

	s.redis.Start()
	began := time.Now()
	if err := rudder.deliver(p.exited, p.url, order("u_1", 1)); err != nil {
		t.Fatal(err)
	}
	p.awaitEvents(1)
	checkWithin(t, "the first delivery after Redis started", began, 5*time.Second)
	checkAnswers(t, rudder)
}

// checkAnswers fails the test unless the sender got only 200 and 429, each within two seconds.
func checkAnswers(t *testing.T, s *sender) {
	t.Helper()
	for status := range s.answers() {
		if status != http.StatusOK && status != http.StatusTooManyRequests {
			t.Errorf("the sender got the status %d", status)
		}
	}
	if s.slowest > 2*time.Second {
		t.Errorf("the slowest answer took %v", s.slowest)
	}
}
