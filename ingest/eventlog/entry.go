// SPDX-License-Identifier: Apache-2.0

// Package eventlog remembers what became of events, for people: bounded by count and age, newest first.
package eventlog

import (
	"encoding/json"
	"time"
)

// Status is what became of an event, or of one of its actions.
type Status string

// The statuses. Actions are never received or duplicate.
const (
	Received     Status = "received"
	Succeeded    Status = "succeeded"
	Skipped      Status = "skipped"
	Duplicate    Status = "duplicate"
	Retrying     Status = "retrying"
	DeadLettered Status = "dead-lettered"
)

// Final says that nothing more will happen to the event by itself.
func (s Status) Final() bool { return s != Received && s != Retrying }

// Entry is the log's record of one event.
type Entry struct {
	ID     string `json:"id"`
	Source string `json:"source"`
	Type   string `json:"type"`
	// Key is the idempotency key; absent when the event has none that is usable.
	Key         string    `json:"key,omitempty"`
	OrderingKey string    `json:"orderingKey"`
	ReceivedAt  time.Time `json:"receivedAt"`
	// FinishedAt is absent until the status is final.
	FinishedAt *time.Time `json:"finishedAt,omitempty"`
	// Timestamp is what the sender says of when it happened, as sent.
	Timestamp string `json:"timestamp,omitempty"`
	Status    Status `json:"status"`
	Reason    string `json:"reason,omitempty"`
	// Verification is "failed" when the sender could not be verified and that was not enforced.
	Verification string `json:"verification,omitempty"`
	// DuplicateOf is the ID of the event that this one repeats, if that is not finished yet.
	DuplicateOf string `json:"duplicateOf,omitempty"`
	// Notes say what was odd about the event, such as a preprocess expression that failed.
	Notes []string `json:"notes,omitempty"`
	// Payload is the event as received; absent when the source omits payloads.
	Payload json.RawMessage `json:"payload,omitempty"`
	Actions []Action        `json:"actions,omitempty"`
}

// Action is what one mapping made of the event.
type Action struct {
	Mapping string `json:"mapping"`
	Action  string `json:"action"`
	Status  Status `json:"status"`
	Reason  string `json:"reason,omitempty"`
	// Notes say what was left out on the way, such as a trait of the wrong type.
	Notes    []string  `json:"notes,omitempty"`
	Attempts int       `json:"attempts"`
	Requests []Request `json:"requests,omitempty"`
}

// Request is one call to Knock, with the outcome of its last attempt.
type Request struct {
	Method string `json:"method"`
	// Path is escaped, with its query.
	Path string          `json:"path"`
	Body json.RawMessage `json:"body,omitempty"`
	// Status is the HTTP status; absent when no answer came.
	Status int `json:"status,omitempty"`
	// Response is the beginning of the answer's body, or why none came.
	Response string     `json:"response,omitempty"`
	At       *time.Time `json:"at,omitempty"`
	// Took is in milliseconds.
	Took Milliseconds `json:"took,omitempty"`
}

// Milliseconds is a duration that JSON spells as a number of milliseconds.
type Milliseconds float64

// Took turns a duration into milliseconds, to the microsecond.
func Took(d time.Duration) Milliseconds { return Milliseconds(float64(d.Microseconds()) / 1000) }
