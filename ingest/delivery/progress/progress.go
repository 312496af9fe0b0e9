// SPDX-License-Identifier: Apache-2.0

// Package progress records how far the delivery of an event has come. A Progress holds the plan, which is the list of
// requests frozen at the first attempt, and the outcome of each request. Delivery stores it in Redis with the event and
// derives the event's log entry from it. Every version of Doorbell must be able to read what earlier versions have
// stored.
package progress

import (
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// Progress is the plan of an event together with the outcome of each request so far.
type Progress struct {
	// Version is the version of the stored form; see Decode.
	Version int `json:"version"`
	// Sent reports whether a request may have been sent.
	Sent bool `json:"sent"`
	// Spent is the time that counts towards retryFor: attempts and the waits after them, but not waits for a rate limit.
	// A pause counts only if it is for an outage in which no other event fails.
	Spent time.Duration `json:"spent,omitempty"`
	// Timestamp is the time at which the event happened according to its sender.
	Timestamp string    `json:"timestamp,omitempty"`
	Notes     []string  `json:"notes,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Actions   []*Action `json:"actions,omitempty"`
}

// Action is one mapping's action.
type Action struct {
	Mapping  string              `json:"mapping"`
	Name     document.ActionName `json:"action"`
	Status   eventlog.Status     `json:"status"`
	Reason   string              `json:"reason,omitempty"`
	Notes    []string            `json:"notes,omitempty"`
	Attempts int                 `json:"attempts,omitempty"`
	// Cause is set for an action that is dead-lettered.
	Cause Cause `json:"cause,omitempty"`
	// Failures is the number of transient failures since the last success; it determines the backoff.
	Failures int     `json:"failures,omitempty"`
	Calls    []*Call `json:"calls,omitempty"`
}

// Call is one request and the outcome of its last attempt.
type Call struct {
	Request  knock.Request `json:"request"`
	Done     bool          `json:"done,omitempty"`
	Failure  string        `json:"failure,omitempty"` // why it failed permanently
	Status   int           `json:"status,omitempty"`
	Response string        `json:"response,omitempty"`
	At       *time.Time    `json:"at,omitempty"`
	Took     time.Duration `json:"took,omitempty"`
	// Bulk is set if the last attempt was part of a bulk call.
	Bulk *Bulk `json:"bulk,omitempty"`
	// Repeated reports whether an attempt before the last one may have reached Knock.
	Repeated bool `json:"-"`
	// Stored reports whether Done is stored.
	Stored bool `json:"-"`
}

// Bulk describes a bulk call that identified the user together with others.
type Bulk struct {
	// Operation is the ID of Knock's bulk operation; "" if Knock has not started one, or has not said so.
	Operation string `json:"operation,omitempty"`
	// Pending reports whether the outcome is not known yet. It is stored before the call begins, so that after a crash
	// the next process waits before it identifies the user again.
	Pending bool `json:"pending,omitempty"`
	// Until is the time until which an operation whose outcome is unknown may still change the user; zero if there is
	// no such operation.
	Until time.Time `json:"until,omitzero"`
}

// Wait returns how long an identify of the user alone must wait for the end of the operation, at most longest. If the
// outcome is pending, which means that an earlier process has not stored it, the wait begins now.
func (b *Bulk) Wait(now time.Time, longest time.Duration) time.Duration {
	if b == nil {
		return 0
	}
	if b.Pending {
		b.Pending, b.Until = false, now.Add(longest)
	}
	return min(max(b.Until.Sub(now), 0), longest)
}

// New returns the progress of an event of which nothing has been attempted yet.
func New(plan mapping.Plan) *Progress {
	p := &Progress{Version: version, Reason: plan.Reason, Notes: plan.Notes}
	for _, planned := range plan.Actions {
		a := &Action{Mapping: planned.Mapping, Name: planned.Name, Status: eventlog.Received, Notes: planned.Notes}
		if planned.Skipped != "" {
			a.Status, a.Reason = eventlog.Skipped, planned.Skipped
		}
		for _, request := range planned.Requests {
			a.Calls = append(a.Calls, &Call{Request: request})
		}
		p.Actions = append(p.Actions, a)
	}
	return p
}

// Failed returns the progress of an event that is dead-lettered for a reason that does not concern a single mapping,
// such as a stored plan that cannot be read.
func Failed(cause Cause, reason string) *Progress {
	return &Progress{Version: version, Actions: []*Action{{Status: eventlog.DeadLettered, Cause: cause, Reason: reason}}}
}

// SetStatusFromCalls sets the status of an action whose calls are all done. If one of them failed, the action is
// dead-lettered for the first failure.
func (a *Action) SetStatusFromCalls() {
	a.Status, a.Reason = eventlog.Succeeded, ""
	for _, c := range a.Calls {
		if c.Failure != "" {
			a.Status, a.Reason, a.Cause = eventlog.DeadLettered, c.Failure, Rejected
			return
		}
	}
}

// EventStatus returns the event's final status and reason: dead-lettered if any action is, else succeeded if any action
// is, else skipped.
func (p *Progress) EventStatus() (eventlog.Status, string) {
	status, reason := eventlog.Skipped, p.Reason
	for _, a := range p.Actions {
		switch {
		case a.Status == eventlog.DeadLettered && status != eventlog.DeadLettered:
			status, reason = a.Status, a.reason()
		case a.Status == eventlog.Succeeded && status == eventlog.Skipped:
			status, reason = a.Status, ""
		case a.Status == eventlog.Skipped && status == eventlog.Skipped && reason == "":
			reason = a.reason()
		}
	}
	return status, reason
}

func (a *Action) reason() string {
	if a.Mapping == "" {
		return a.Reason
	}
	return fmt.Sprintf("%s: %s", a.Mapping, a.Reason)
}
