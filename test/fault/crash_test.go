// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"net/http"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestProcessesKilledUnderLoadLoseNoEventAndRunNoWorkflowTwice(t *testing.T) {
	t.Parallel()
	s := newDevFixture(t)
	s.knock.Respond(unreliable)
	all, rudder := workload{users: 20, orders: 16, gates: gates(3)}, newSender(t)
	p := s.start()
	url := p.url

	wait := all.start(t, rudder, url)
	for i, gate := range all.gates {
		s.awaitCalls("workflow runs before the kill", workflowsRun(60*(i+1)))
		close(gate)
		rudder.awaitAnswers(t, http.StatusOK, 80*(i+1)+10) // so that the kill interrupts both requests and deliveries
		p.kill()
		if p = s.start(); p.url != url {
			t.Fatalf("the URL is %s after a restart; want %s", p.url, url)
		}
	}
	wait()

	all.checkDelivered(t, s)
	checkNothingRejected(t, s.knock.Calls())
	t.Logf("%d calls for %d events; answers: %v", len(s.knock.Calls()), all.size(), rudder.answers())
}

func TestTwoProcessesShareOneRedis(t *testing.T) {
	t.Parallel()
	s := newDevFixture(t)
	s.knock.Respond(unreliable)
	all, rudder := workload{users: 20, orders: 10}, newSender(t)
	one := s.start()
	other := s.launch(t.TempDir(), "127.0.0.1:0")
	other.ready()

	all.start(t, rudder, one.url, other.url)()
	all.checkDelivered(t, s)
	rudder.expectAccepted(t, other.url, order(all.user(0), 0), 0, 1)
	rudder.expectAccepted(t, one.url, order(all.user(1), 0), 0, 1)

	first, second := len(one.awaitEvents(1)), len(other.awaitEvents(1))
	t.Logf("%d and %d events", first, second)
	if diff := first + second - all.size(); diff < 0 || diff > 2 { // the two duplicates may have been printed by now
		t.Errorf("%d + %d events were printed as finished; want %d", first, second, all.size())
	}
}

// unreliable makes Knock drop the response to every 13th call, after the call has taken effect, and answer 500 to every
// 17th.
func unreliable(call knocktest.Call) *knocktest.Answer {
	switch {
	case call.Seq%13 == 0:
		return &knocktest.Answer{After: true, Drop: true}
	case call.Seq%17 == 0:
		return &knocktest.Answer{Status: http.StatusInternalServerError}
	default:
		return nil
	}
}
