// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// progress is an event's plan, frozen at the first attempt, and how far it has come. It is stored with the event.
type progress struct {
	// Failures counts attempts that failed in a way that may pass.
	Failures int `json:"failures,omitempty"`
	// Spent is the time that counts towards retryFor: attempts and the waits after them, not pauses.
	Spent time.Duration `json:"spent,omitempty"`
	// Timestamp is when the event happened, by its sender's account.
	Timestamp string    `json:"timestamp,omitempty"`
	Notes     []string  `json:"notes,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Actions   []*action `json:"actions,omitempty"`
}

type action struct {
	Mapping  string              `json:"mapping"`
	Name     document.ActionName `json:"action"`
	Status   eventlog.Status     `json:"status"`
	Reason   string              `json:"reason,omitempty"`
	Notes    []string            `json:"notes,omitempty"`
	Attempts int                 `json:"attempts,omitempty"`
	Calls    []*call             `json:"calls,omitempty"`
}

// call is one request and its last attempt.
type call struct {
	Request  knock.Request `json:"request"`
	Done     bool          `json:"done,omitempty"`
	Failure  string        `json:"failure,omitempty"` // why it failed for good
	Status   int           `json:"status,omitempty"`
	Response string        `json:"response,omitempty"`
	At       *time.Time    `json:"at,omitempty"`
	Took     time.Duration `json:"took,omitempty"`
}

func planned(plan mapping.Plan) *progress {
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

func restored(stored []byte) (*progress, error) {
	var p progress
	if err := json.Unmarshal(stored, &p); err != nil {
		return nil, fmt.Errorf("stored plan: %w", err)
	}
	return &p, nil
}

// encode returns nothing for a plan that was not made.
func (p *progress) encode() []byte {
	if p == nil {
		return nil
	}
	encoded, err := json.Marshal(p)
	if err != nil { // plain values and valid JSON only
		panic(fmt.Sprintf("delivery: progress: %v", err))
	}
	return encoded
}

// idle tells that there is no call to make.
func (p *progress) idle() bool {
	for _, a := range p.Actions {
		if !a.Status.Final() {
			return false
		}
	}
	return true
}

// conclude is for an action whose calls are all done: it failed if one of them did.
func (a *action) conclude() {
	a.Status, a.Reason = eventlog.Succeeded, ""
	for _, c := range a.Calls {
		if c.Failure != "" {
			a.Status, a.Reason = eventlog.DeadLettered, c.Failure
			return
		}
	}
}

// outcome is the event's final status, from its actions'.
func (p *progress) outcome() (eventlog.Status, string) {
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

// entry is the event log's record.
func (p *progress) entry(source string, e *event.Event, status eventlog.Status, reason string) eventlog.Entry {
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
				Status: c.Status, Response: c.Response, At: c.At, Took: eventlog.Took(c.Took),
			})
		}
		entry.Actions = append(entry.Actions, logged)
	}
	return entry
}
