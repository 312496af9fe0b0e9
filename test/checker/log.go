// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"encoding/json"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

// checkLog checks the last entry of each event.
func (r *Record) checkLog() {
	entries := map[string][]eventlog.Entry{}
	for _, entry := range r.Entries {
		if entry.Status != eventlog.Duplicate {
			entries[entry.Key] = append(entries[entry.Key], entry)
		}
	}
	answers := map[answer]bool{}
	for _, c := range r.Calls {
		answers[answer{c.Path, c.Status, normal(c.Body)}] = true
		answers[answer{c.Path, 0, normal(c.Body)}] = true // the response may have been lost on its way
	}
	for _, events := range r.Users {
		for _, e := range events {
			found := entries[e.String()]
			switch {
			case len(found) > 1 && !e.repeatable:
				r.violation(CheckOnce, "%s was stored %d times", e, len(found))
			case len(found) > 0:
				r.checkEntry(e, found[0], answers)
			case e.Acked && len(e.Kind.Actions) > 0 && !r.LogIncomplete: // the event log is best effort for events that no mapping matches
				r.violation(CheckFinal, "%s was answered 200, but the event log does not have it", e)
			}
		}
	}
}

// answer is a request to Knock and the status of the response.
type answer struct {
	path   string
	status int
	body   string
}

func (r *Record) checkEntry(e *Event, entry eventlog.Entry, answers map[answer]bool) {
	want := eventlog.Succeeded
	switch {
	case e.Doomed:
		want = eventlog.DeadLettered
	case len(e.Kind.Actions) == 0:
		want = eventlog.Skipped
	}
	if entry.Status != want {
		r.violation(CheckFinal, "%s ended as %s (%s); want %s", e, entry.Status, entry.Reason, want)
	}
	for _, action := range entry.Actions {
		for _, request := range action.Requests {
			if !answers[answer{request.Path, request.Status, normal(string(request.Body))}] {
				r.violation(CheckLog, "%s: the log says that Knock answered %d to %s %s; Knock sent no such response", e, request.Status, request.Path, request.Body)
			}
		}
	}
	if len(entry.Actions) != len(e.Kind.Actions) {
		r.violation(CheckLog, "%s: the log has %d actions; want %d", e, len(entry.Actions), len(e.Kind.Actions))
	}
}

// normal returns a text that is equal for equal JSON values.
func normal(body string) string {
	var value any
	if json.Unmarshal([]byte(body), &value) != nil {
		return body
	}
	return fmt.Sprint(value)
}
