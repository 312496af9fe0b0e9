// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

// The names of the checks.
const (
	CheckAnswer  = "answer"  // a sender got a wrong response, or none, or got it too late
	CheckFinal   = "final"   // an event whose sender got 200 has no final state, or a wrong one
	CheckOnce    = "once"    // a trigger ran twice
	CheckOrder   = "order"   // a call was made before an earlier event of the user was finished
	CheckCancel  = "cancel"  // a cancel came after the trigger that must follow it
	CheckOverlap = "overlap" // two calls for one user ran at the same time
	CheckLog     = "log"     // the event log disagrees with Knock
	CheckKeys    = "keys"    // Redis has keys that should be gone
)

// Violation is one thing that must not happen.
type Violation struct{ Check, Text string }

// String returns the name of the check, and what is wrong.
func (v Violation) String() string { return v.Check + ": " + v.Text }

// Record is what happened in a schedule, as senders, Knock and a reader of Redis saw it.
type Record struct {
	// Users has the events of each user in the order in which they were sent.
	Users [][]*Event
	// Attempts and Calls are in the order in which they began.
	Attempts []*Attempt
	Calls    []*Call
	// Entries is the whole event log at the end, the latest entry first. Keys are the keys at the end that should be
	// gone.
	Entries []eventlog.Entry
	Keys    []string
	// LogIncomplete says that entries may be missing, because Redis was out of memory and Doorbell deletes old entries
	// then.
	LogIncomplete bool
	// Patience is how long an answer may take; 0 means as long as the sender waits.
	Patience time.Duration
	// Excused, if set, reports that the order of a call is not checked.
	Excused func(*Call) bool

	violations []Violation
}

// Check compares the responses that senders got, the calls that Knock received, and the event log and the keys at the
// end.
func (r *Record) Check() []Violation {
	r.violations = nil
	r.checkAnswers()
	requests := map[EventName]int{}
	for _, a := range r.Attempts {
		for _, e := range a.Events {
			requests[e.EventName]++
			// Dead-lettering an event frees its key, so an event that arrives afterwards is a new one, at the end of
			// the user's events.
			e.repeatable = e.Doomed && requests[e.EventName] > 1
		}
	}
	calls := map[string][]*Call{}
	for _, c := range r.Calls {
		calls[c.Event.User] = append(calls[c.Event.User], c)
	}
	for _, events := range r.Users {
		r.checkUser(events, calls[events[0].User])
		delete(calls, events[0].User)
	}
	for _, strange := range calls {
		r.violation(CheckOnce, "Knock got a call for a user that has no events: %s %s", strange[0].Path, strange[0].Body)
	}
	r.checkLog()
	for _, key := range r.Keys {
		r.violation(CheckKeys, "Redis still has %s", key)
	}
	return r.violations
}

func (r *Record) violation(check, format string, args ...any) {
	r.violations = append(r.violations, Violation{check, fmt.Sprintf(format, args...)})
}

func (r *Record) checkAnswers() {
	for _, a := range r.Attempts {
		late := r.Patience > 0 && a.Took > r.Patience
		switch {
		case a.Excused:
		case a.Status == 0 || late:
			r.violation(CheckAnswer, "%v: %s answered %d after %v: %s", names(a.Events), a.Process, a.Status, a.Took, a.Answer)
		case a.Status == http.StatusOK || a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable:
			// 503 is the answer while the process starts or stops
		default:
			r.violation(CheckAnswer, "%v: %s answered %d %s, so RudderStack drops the events", names(a.Events), a.Process, a.Status, a.Answer)
		}
	}
}

func names(events []*Event) []string {
	var list []string
	for _, e := range events {
		list = append(list, e.String()+" "+e.Kind.Name)
	}
	return list
}

// took says which calls of a user's events took effect, or failed permanently.
type took map[EventName]map[string]bool

func (t took) add(event EventName, action string) {
	if t[event] == nil {
		t[event] = map[string]bool{}
	}
	t[event][action] = true
}

// checkUser checks the calls of one user, which are in the order of their arrival.
func (r *Record) checkUser(events []*Event, calls []*Call) {
	byName := map[EventName]*Event{}
	for _, e := range events {
		byName[e.EventName] = e
	}
	done, triggered := took{}, map[EventName]bool{}
	for i, c := range calls {
		e := byName[c.Event]
		if e == nil {
			r.violation(CheckOnce, "Knock got a call for an event that was never sent: %s %s", c.Path, c.Body)
			continue
		}
		excused := r.Excused != nil && r.Excused(c)
		if i > 0 && !excused && overlap(calls[i-1], c) {
			r.violation(CheckOverlap, "%s %s by %s began while %s %s by %s ran", c.Event, c.Action, c.By, calls[i-1].Event, calls[i-1].Action, calls[i-1].By)
		}
		if !excused && !e.repeatable {
			r.checkTurn(events, c, done)
		}
		if c.Action == CancelAction && triggered[c.Event] && !excused {
			r.violation(CheckCancel, "%s was canceled by %s after its own trigger", c.Event, c.By)
		}
		if c.Ran() && c.Action == TriggerAction {
			if triggered[c.Event] {
				r.violation(CheckOnce, "the trigger of %s ran again, by %s with key %q", c.Event, c.By, c.Key)
			}
			triggered[c.Event] = true
		}
		if c.Ran() || e.Doomed && c.Executed == 0 && c.Status == http.StatusUnprocessableEntity {
			done.add(c.Event, c.Action)
		}
	}
	for _, e := range events {
		for _, action := range e.Kind.Actions {
			if e.Acked && !done[e.EventName][action] {
				r.violation(CheckFinal, "%s was answered 200, but its call %s never took effect", e, action)
			}
		}
	}
}

// noticed is how long Knock may take to notice that a client has closed a connection.
const noticed = time.Second

// overlap reports whether a call arrived while the previous one was in progress.
func overlap(previous, c *Call) bool {
	end := previous.Answered
	if previous.Abandoned {
		end = end.Add(-noticed)
	}
	return c.Arrived.Before(end)
}

// checkTurn checks the order of a call of the user when it arrives: all earlier calls must have succeeded or failed
// permanently, and no call of a later event may have.
func (r *Record) checkTurn(events []*Event, c *Call, done took) {
	for _, e := range events {
		for i, action := range e.Kind.Actions {
			earlier := e.N < c.Event.N || e.N == c.Event.N && i < slices.Index(e.Kind.Actions, c.Action)
			if earlier && !done[e.EventName][action] {
				r.violation(CheckOrder, "%s %s by %s came before %s %s", c.Event, c.Action, c.By, e, action)
			}
			if e.N > c.Event.N && done[e.EventName][action] {
				r.violation(CheckOrder, "%s %s by %s came after %s %s", c.Event, c.Action, c.By, e, action)
			}
		}
	}
}
