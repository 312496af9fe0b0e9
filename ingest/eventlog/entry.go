// SPDX-License-Identifier: Apache-2.0

// Package eventlog records the outcome of every event for the users of Doorbell. The number and the age of its entries
// are limited, and List returns the newest entries first. Delivery builds and redacts the entries. The inbox stores an
// entry in the same Lua script that changes the event. This package stores the entries of events that never enter the
// inbox, such as duplicates, and reads all entries. No decision may depend on the log: Doorbell deletes its entries
// when Redis runs out of memory.
package eventlog

import (
	"encoding/json"
	"time"
)

// Status is the state of an event or of one of its actions.
type Status string

// The statuses. Only an event can be Duplicate. Only an action can be Received: it has not run yet.
const (
	Received     Status = "received"
	Succeeded    Status = "succeeded"
	Skipped      Status = "skipped"
	Duplicate    Status = "duplicate"
	Retrying     Status = "retrying"
	DeadLettered Status = "dead-lettered"
)

// Final reports whether Doorbell has finished with the event or action.
func (s Status) Final() bool { return s != Received && s != Retrying }

// Entry is the log's record of one event.
type Entry struct {
	ID     string `json:"id"`
	Source string `json:"source"` // NAMESPACE/NAME
	Type   string `json:"type"`
	// Key is the idempotency key; empty if the event has none.
	Key         string    `json:"key,omitempty"`
	OrderingKey string    `json:"orderingKey"`
	ReceivedAt  time.Time `json:"receivedAt"`
	// FinishedAt is nil until the status is final.
	FinishedAt *time.Time `json:"finishedAt,omitempty"`
	// Timestamp is the time at which the event happened according to its sender, as sent.
	Timestamp string `json:"timestamp,omitempty"`
	Status    Status `json:"status"`
	Reason    string `json:"reason,omitempty"`
	// Verification is "failed" if the sender could not be verified and the source does not enforce verification.
	Verification string `json:"verification,omitempty"`
	// DuplicateOf is the ID of the event that this one repeats. It is empty if that event is finished.
	DuplicateOf string `json:"duplicateOf,omitempty"`
	// ReplayOf is the ID of the dead letter that this event replays.
	ReplayOf string `json:"replayOf,omitempty"`
	// Notes describe problems that did not stop the event, such as a preprocess expression that failed.
	Notes []string `json:"notes,omitempty"`
	// Payload is the event as received; nil if the source omits payloads.
	Payload json.RawMessage `json:"payload,omitempty"`
	Actions []Action        `json:"actions,omitempty"`
	// Cut lists the parts that Encode shortened, because the log's record of one event has at most 64 KiB.
	Cut []Cut `json:"cut,omitempty"`
}

// Cut names a part of an entry that Encode shortened. A text keeps its first bytes. JSON, such as the payload, is
// replaced by a JSON string that holds its first bytes. A list keeps its first elements.
type Cut struct {
	// Field is the path of the part, such as payload or actions.0.requests.0.body.
	Field string `json:"field"`
	// Bytes is the length of the whole text or JSON; 0 if the part is a list.
	Bytes int `json:"bytes,omitempty"`
	// Elements is the length of the whole list.
	Elements int `json:"elements,omitempty"`
}

// Action is the outcome of one mapping's action.
type Action struct {
	Mapping string `json:"mapping"`
	Action  string `json:"action"` // such as identifyUser
	Status  Status `json:"status"`
	Reason  string `json:"reason,omitempty"`
	// Notes describe what the action leaves out, such as a trait of the wrong type.
	Notes []string `json:"notes,omitempty"`
	// Attempts is the number of calls to Knock, over all Requests.
	Attempts int       `json:"attempts"`
	Requests []Request `json:"requests,omitempty"`
}

// Request is one call to Knock, with the outcome of its last attempt.
type Request struct {
	Method string `json:"method"`
	// Path is the escaped path with the query.
	Path string          `json:"path"`
	Body json.RawMessage `json:"body,omitempty"`
	// Status is the HTTP status; 0 if Knock did not answer.
	Status int `json:"status,omitempty"`
	// Response is the beginning of the response body, or the error if Knock did not answer.
	Response string `json:"response,omitempty"`
	// At is when the last attempt began; nil if there was none.
	At *time.Time `json:"at,omitempty"`
	// Took is the duration of the last attempt.
	Took Milliseconds `json:"took,omitempty"`
}

// Milliseconds is a duration that JSON represents as a number of milliseconds.
type Milliseconds float64

// ToMilliseconds converts a duration, rounded down to the microsecond.
func ToMilliseconds(d time.Duration) Milliseconds {
	return Milliseconds(float64(d.Microseconds()) / 1000)
}
