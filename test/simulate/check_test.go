// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

// The names of the checks. A failure begins with the name of its check.
const (
	checkAnswer    = "answer"    // a sender got a wrong response, or none
	checkFinal     = "final"     // an event whose sender got 200 has no final state, or a wrong one
	checkOnce      = "once"      // a trigger ran twice
	checkOrder     = "order"     // a call was made before an earlier event of the user was finished
	checkCancel    = "cancel"    // a cancel came after the trigger that must follow it
	checkOverlap   = "overlap"   // two calls for one user ran at the same time
	checkLog       = "log"       // the event log disagrees with Knock
	checkKeys      = "keys"      // Redis has keys that should be gone
	checkMemory    = "memory"    // a process or Redis needs more memory than before the events
	checkHang      = "hang"      // a request or a call took longer than it may
	checkIsolation = "isolation" // one user's failing calls delayed another user
)

// check compares the responses that senders got, the calls that Knock received, and the event log and the keys at the
// end.
func (w *world) check() {
	w.checkAnswers()
	requests := map[eventName]int{}
	for _, a := range w.attempts {
		for _, e := range a.events {
			requests[e.eventName]++
			e.repeatable = e.doomed && requests[e.eventName] > 1
		}
	}
	calls := map[string][]*call{}
	for _, c := range w.knock.calls {
		calls[c.event.user] = append(calls[c.event.user], c)
	}
	for _, c := range w.knock.calls {
		// The row of a bulk identify lasts as long as its operation.
		if took := c.answered.Sub(c.arrived); took > timeout+100*time.Millisecond && c.path != bulkPath {
			w.violation(checkHang, "the call %s %s by %s took %v", c.event, c.action, c.by, took)
		}
	}
	for _, s := range w.senders {
		w.checkUser(s, calls[s.user])
	}
	w.checkLog()
	for _, key := range w.keys {
		w.violation(checkKeys, "Redis still has %s", key)
	}
	if len(w.keys) == 0 {
		w.checkMemory()
	}
	if w.plan.unlucky != 0 {
		w.checkIsolation()
	}
}

// checkOf returns the name of the check that failed.
func checkOf(failure string) string {
	name, _, _ := strings.Cut(failure, ":")
	return name
}

func (w *world) violation(check, format string, args ...any) {
	w.fail("%s: %s", check, fmt.Sprintf(format, args...))
}

func (w *world) checkAnswers() {
	const most = 5*time.Second + 100*time.Millisecond // the second part is for a response that is under way
	for _, a := range w.attempts {
		if a.status != 0 && a.took > most && !a.excused {
			w.violation(checkHang, "%v: %s answered %d after %v", names(a.events), a.process, a.status, a.took)
		}
		switch a.status {
		case http.StatusOK, http.StatusTooManyRequests:
		case http.StatusServiceUnavailable: // while the process starts or stops
		case 0:
			if !a.excused {
				w.violation(checkAnswer, "%v: %s did not answer within %v: %s", names(a.events), a.process, a.took, a.answer)
			}
		default:
			w.violation(checkAnswer, "%v: %s answered %d %s, so RudderStack drops the events", names(a.events), a.process, a.status, a.answer)
		}
	}
}

// checkUser checks the calls of one user, which are in the order of their arrival.
func (w *world) checkUser(s *sender, calls []*call) {
	ran, triggered := map[string]bool{}, map[eventName]*call{}
	for i, c := range calls {
		e := w.events[c.event]
		if e == nil {
			w.violation(checkOnce, "Knock got a call for an event that was never sent: %s %s", c.path, c.body)
			continue
		}
		if i > 0 && !w.excusedByClock(c) && c.arrived.Before(calls[i-1].answered) {
			w.violation(checkOverlap, "%s %s by %s began while %s %s by %s ran", c.event, c.action, c.by, calls[i-1].event, calls[i-1].action, calls[i-1].by)
		}
		if !w.excusedByClock(c) && !e.repeatable {
			w.checkTurn(s, c, ran)
		}
		if first := triggered[c.event]; c.action == cancelAction && first != nil && !w.excusedByClock(c) {
			w.violation(checkCancel, "%s was canceled by %s after its own trigger", c.event, c.by)
		}
		if c.ran() && c.action == triggerAction {
			triggered[c.event] = c
		}
		if c.ran() && c.action == triggerAction && ran[c.event.String()+c.action] {
			w.violation(checkOnce, "the trigger of %s ran again, by %s with key %q", c.event, c.by, c.key)
		}
		ran[c.event.String()+c.action] = ran[c.event.String()+c.action] || c.ran() || e.doomed && c.executed == 0 && c.status == http.StatusUnprocessableEntity
	}
	for _, e := range s.events {
		for _, action := range e.kind.actions {
			if e.acked && !ran[e.String()+action] {
				w.violation(checkFinal, "%s was answered 200, but its call %s never took effect", e, action)
			}
		}
	}
}

// excusedByClock reports whether a call arrived within 40 seconds after Redis's clock had jumped forward and a process
// had made its first claim within two seconds after the jump. Such a process cannot notice the jump. If its claim is the
// first after the jump, all leases end, but their workers continue until the leases would have ended without the jump.
func (w *world) excusedByClock(c *call) bool {
	return slices.ContainsFunc(w.jumps, func(jump time.Time) bool {
		return c.arrived.After(jump) && c.arrived.Before(jump.Add(40*time.Second)) &&
			slices.ContainsFunc(w.firstClaims, func(at time.Time) bool { return at.After(jump) && at.Before(jump.Add(2*time.Second)) })
	})
}

// checkTurn checks the order of a call of the user when it arrives: all earlier calls must have succeeded or failed
// permanently, and no call of a later event may have.
func (w *world) checkTurn(s *sender, c *call, ran map[string]bool) {
	for _, e := range s.events {
		for i, action := range e.kind.actions {
			earlier := e.n < c.event.n || e.n == c.event.n && i < slices.Index(e.kind.actions, c.action)
			if earlier && !ran[e.String()+action] {
				w.violation(checkOrder, "%s %s by %s came before %s %s", c.event, c.action, c.by, e, action)
			}
			if e.n > c.event.n && ran[e.String()+action] {
				w.violation(checkOrder, "%s %s by %s came after %s %s", c.event, c.action, c.by, e, action)
			}
		}
	}
}

// checkLog checks the last entry of each event.
func (w *world) checkLog() {
	entries := map[string][]eventlog.Entry{}
	for _, entry := range w.entries {
		if entry.Status != eventlog.Duplicate {
			entries[entry.Key] = append(entries[entry.Key], entry)
		}
	}
	for _, s := range w.senders {
		for _, e := range s.events {
			found := entries[e.String()]
			switch {
			case len(found) > 1 && !e.repeatable:
				w.violation(checkOnce, "%s was stored %d times", e, len(found))
			case len(found) > 0:
				w.checkEntry(e, found[0])
			case e.acked:
				w.violation(checkFinal, "%s was answered 200, but the event log does not have it", e)
			}
		}
	}
}

func (w *world) checkEntry(e *sent, entry eventlog.Entry) {
	want := eventlog.Succeeded
	switch {
	case e.doomed:
		want = eventlog.DeadLettered
	case len(e.kind.actions) == 0:
		want = eventlog.Skipped
	}
	if entry.Status != want {
		w.violation(checkFinal, "%s ended as %s (%s); want %s", e, entry.Status, entry.Reason, want)
	}
	for _, action := range entry.Actions {
		for _, request := range action.Requests {
			if !slices.ContainsFunc(w.knock.calls, func(c *call) bool { return matches(c, request) }) {
				w.violation(checkLog, "%s: the log says that Knock answered %d to %s %s; Knock sent no such response", e, request.Status, request.Path, request.Body)
			}
		}
	}
	for _, action := range entry.Actions {
		w.checkAction(e, action)
	}
	if len(entry.Actions) != len(e.kind.actions) {
		w.violation(checkLog, "%s: the log has %d actions; want %d", e, len(entry.Actions), len(e.kind.actions))
	}
}

// checkAction checks the status and the number of attempts in the log against the calls that Knock received.
func (w *world) checkAction(e *sent, action eventlog.Action) {
	calls, confirmed := 0, false
	for _, c := range w.knock.calls {
		if c.event != e.eventName || c.action != action.Action {
			continue
		}
		calls++
		switch action.Status {
		case eventlog.Succeeded:
			confirmed = confirmed || c.status >= 200 && c.status < 300
		case eventlog.DeadLettered:
			confirmed = confirmed || c.status == http.StatusUnprocessableEntity
		}
	}
	if action.Status.Final() && !confirmed {
		w.violation(checkLog, "%s: the log says that %s has %s; Knock sent no such response", e, action.Action, action.Status)
	}
	if w.plan.sleeps == 0 && action.Attempts > calls { // a call of a process that sleeps may not reach Knock
		w.violation(checkLog, "%s: the log says that %s had %d attempts; Knock received %d", e, action.Action, action.Attempts, calls)
	}
}

// matches reports whether Knock received the request in the log entry and sent the status in it.
func matches(c *call, request eventlog.Request) bool {
	return c.path == request.Path && c.status == request.Status && sameJSON(c.body, string(request.Body))
}

func sameJSON(a, b string) bool {
	var left, right any
	if json.Unmarshal([]byte(a), &left) != nil || json.Unmarshal([]byte(b), &right) != nil {
		return a == b
	}
	return fmt.Sprint(left) == fmt.Sprint(right)
}

// checkIsolation checks that the events of all users but the first had their last call soon after they were
// acknowledged.
func (w *world) checkIsolation() {
	const soon = 5 * time.Second
	for _, a := range w.attempts {
		if a.status != http.StatusOK {
			continue
		}
		for _, e := range a.events {
			if e.user == w.senders[0].user || len(e.kind.actions) == 0 {
				continue
			}
			last := w.lastCall(e.eventName)
			if took := last.Sub(a.at); took > soon {
				w.violation(checkIsolation, "%s was delivered %v after its acknowledgement", e, took)
			}
		}
	}
}

func (w *world) lastCall(e eventName) time.Time {
	var last time.Time
	for _, c := range w.knock.calls {
		if c.event == e && cmp.Compare(c.arrived.UnixNano(), last.UnixNano()) > 0 {
			last = c.arrived
		}
	}
	return last
}
