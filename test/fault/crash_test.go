// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"net/http"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestProcessesKilledUnderLoadLoseNothingAndRepeatNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.knock.Respond(unreliable)
	all, rudder := crowd{users: 20, orders: 16, gates: gates(3)}, newSender(t)
	p := s.start()
	url := p.url

	taken := all.begin(t, rudder, url)
	for i, gate := range all.gates {
		s.awaitCalls("runs before the kill", ran(60*(i+1)))
		close(gate)
		rudder.awaitAnswers(t, http.StatusOK, 80*(i+1)+10) // the kill hits takers and workers
		p.kill()
		if p = s.start(); p.url != url {
			t.Fatalf("the URL is %s after a restart; want %s", p.url, url)
		}
	}
	taken()

	all.delivered(t, s)
	refusedNothing(t, s.knock.Calls())
	t.Logf("%d calls for %d events; answers to the sender: %v", len(s.knock.Calls()), all.size(), rudder.answers())
}

func TestTwoProcessesShareOneRedis(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.knock.Respond(unreliable)
	all, rudder := crowd{users: 20, orders: 10}, newSender(t)
	one := s.start()
	other := s.launch(t.TempDir(), "127.0.0.1:0")
	other.ready()

	all.begin(t, rudder, one.url, other.url)()
	all.delivered(t, s)
	rudder.taken(t, other.url, order(all.user(0), 0), 0, 1)
	rudder.taken(t, one.url, order(all.user(1), 0), 0, 1)

	first, second := len(one.awaitEvents(1)), len(other.awaitEvents(1))
	t.Logf("%d and %d events", first, second)
	if diff := first + second - all.size(); diff < 0 || diff > 2 { // the two copies may have been shown by now
		t.Errorf("%d + %d events were shown as final; want %d", first, second, all.size())
	}
}

// unreliable loses the answer of some calls and fails some others.
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
