// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// progress is the plan of an event, which is the requests frozen at its first attempt, together with the outcome of each request so
// far. It is stored with the event between attempts, as JSON; a stored progress must stay readable by later versions.
type progress struct {
	// Failures is the number of transient failures of the event so far; it determines the backoff.
	Failures int `json:"failures,omitempty"`
	// Spent is the time that counts towards retryFor: attempts and the waits after them, but not pauses.
	Spent time.Duration `json:"spent,omitempty"`
	// Timestamp is the time at which the event happened according to its sender.
	Timestamp string    `json:"timestamp,omitempty"`
	Notes     []string  `json:"notes,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Actions   []*action `json:"actions,omitempty"`
}

// action is one mapping's action.
type action struct {
	Mapping  string              `json:"mapping"`
	Name     document.ActionName `json:"action"`
	Status   eventlog.Status     `json:"status"`
	Reason   string              `json:"reason,omitempty"`
	Notes    []string            `json:"notes,omitempty"`
	Attempts int                 `json:"attempts,omitempty"`
	Calls    []*call             `json:"calls,omitempty"`
}

// call is one request and the outcome of its last attempt.
type call struct {
	Request  knock.Request `json:"request"`
	Done     bool          `json:"done,omitempty"`
	Failure  string        `json:"failure,omitempty"` // why it failed permanently
	Status   int           `json:"status,omitempty"`
	Response string        `json:"response,omitempty"`
	At       *time.Time    `json:"at,omitempty"`
	Took     time.Duration `json:"took,omitempty"`
}

// newProgress returns the progress of an event of which nothing has been attempted yet.
func newProgress(plan mapping.Plan) *progress {
	p := &progress{Reason: plan.Reason, Notes: plan.Notes}
	for _, planned := range plan.Actions {
		a := &action{Mapping: planned.Mapping, Name: planned.Name, Status: eventlog.Received, Notes: planned.Notes}
		if planned.Skipped != "" {
			a.Status, a.Reason = eventlog.Skipped, planned.Skipped
		}
		for _, request := range planned.Requests {
			a.Calls = append(a.Calls, &call{Request: request})
		}
		p.Actions = append(p.Actions, a)
	}
	return p
}

func decodeProgress(stored []byte) (*progress, error) {
	var p progress
	if err := json.Unmarshal(stored, &p); err != nil {
		return nil, fmt.Errorf("stored progress: %w", err)
	}
	return &p, nil
}

// encode returns the progress as JSON, or nil for a nil progress: the event has no plan yet.
func (p *progress) encode() []byte {
	if p == nil {
		return nil
	}
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)              // a retry must send the bytes of the first attempt
	if err := encoder.Encode(p); err != nil { // cannot happen: the progress has plain values and valid JSON only
		panic(fmt.Sprintf("delivery: progress: %v", err))
	}
	return encoded.Bytes()
}

// finished reports whether every action has a final status, so that no call is left to make.
func (p *progress) finished() bool {
	for _, a := range p.Actions {
		if !a.Status.Final() {
			return false
		}
	}
	return true
}

// setStatusFromCalls sets the status of an action whose calls are all done. If one of them failed, the action is dead-lettered for
// the first failure.
func (a *action) setStatusFromCalls() {
	a.Status, a.Reason = eventlog.Succeeded, ""
	for _, c := range a.Calls {
		if c.Failure != "" {
			a.Status, a.Reason = eventlog.DeadLettered, c.Failure
			return
		}
	}
}

// eventStatus returns the event's final status and reason: dead-lettered if any action is, else succeeded if any action is, else
// skipped.
func (p *progress) eventStatus() (eventlog.Status, string) {
	status, reason := eventlog.Skipped, p.Reason
	for _, a := range p.Actions {
		switch {
		case a.Status == eventlog.DeadLettered && status != eventlog.DeadLettered:
			status, reason = a.Status, fmt.Sprintf("%s: %s", a.Mapping, a.Reason)
		case a.Status == eventlog.Succeeded && status == eventlog.Skipped:
			status, reason = a.Status, ""
		case a.Status == eventlog.Skipped && status == eventlog.Skipped && reason == "":
			reason = fmt.Sprintf("%s: %s", a.Mapping, a.Reason)
		}
	}
	return status, reason
}

// logEntry returns the event's entry for the event log, before redaction.
func (p *progress) logEntry(source string, e *event.Event, status eventlog.Status, reason string) eventlog.Entry {
	entry := eventlog.Entry{
		ID: e.ID, Source: source, Type: e.Type, Key: e.Key, OrderingKey: e.OrderingKey, ReceivedAt: e.ReceivedAt,
		Timestamp: p.Timestamp, Status: status, Reason: reason, Verification: e.Verification, Notes: p.Notes, Payload: e.Body,
	}
	for _, a := range p.Actions {
		logged := eventlog.Action{
			Mapping: a.Mapping, Action: string(a.Name), Status: a.Status, Reason: a.Reason, Notes: a.Notes, Attempts: a.Attempts,
		}
		for _, c := range a.Calls {
			logged.Requests = append(logged.Requests, eventlog.Request{
				Method: c.Request.Method, Path: c.Request.Path, Body: c.Request.Body,
				Status: c.Status, Response: c.Response, At: c.At, Took: eventlog.ToMilliseconds(c.Took),
			})
		}
		entry.Actions = append(entry.Actions, logged)
	}
	return entry
}
