// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRedisKilledInMidTrafficLosesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	all, rudder := crowd{users: 10, orders: 20, gates: gates(1)}, newSender(t)
	p := s.start()

	taken := all.begin(t, rudder, p.url)
	s.awaitCalls("runs before the kill", ran(20))
	close(all.gates[0])
	rudder.awaitAnswers(t, http.StatusOK, 110)
	s.redis.Kill()
	rudder.awaitAnswers(t, http.StatusTooManyRequests, 200)
	s.redis.Start()
	taken()

	all.delivered(t, s)
	refusedNothing(t, s.knock.Calls())
	onlyTakenOrLater(t, rudder)
	t.Logf("%d calls for %d events; answers to the sender: %v, the slowest after %v",
		len(s.knock.Calls()), all.size(), rudder.answers(), rudder.slowest)
}

func TestRedisAwayAtTheStartIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newScene(t)
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
	within(t, "going on", began, 5*time.Second)
	onlyTakenOrLater(t, rudder)
}

// onlyTakenOrLater checks that the sender heard nothing but 200 and 429, promptly.
func onlyTakenOrLater(t *testing.T, s *sender) {
	t.Helper()
	for status := range s.answers() {
		if status != http.StatusOK && status != http.StatusTooManyRequests {
			t.Errorf("a sender was answered %d", status)
		}
	}
	if s.slowest > 2*time.Second {
		t.Errorf("an answer took %v", s.slowest)
	}
}
