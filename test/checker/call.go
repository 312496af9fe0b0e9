// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// The actions of the events.
const (
	IdentifyAction = string(knock.IdentifyUser)
	CancelAction   = string(knock.CancelWorkflow)
	TriggerAction  = string(knock.TriggerWorkflow)
)

// Attempt is one request of a sender, with its response.
type Attempt struct {
	Events  []*Event
	Process string
	// Excused reports that the process was dead, asleep or stopping, so that it may have left the request unanswered.
	Excused bool
	At      time.Time
	Took    time.Duration
	// Status is 0 if there was no response. Answer is then the error.
	Status int
	Answer string
}

// Call is one request as Knock received it.
type Call struct {
	Event  EventName
	Action string
	Path   string
	Body   string
	// Key is the idempotency key.
	Key string
	// By is the process that made the call, or "" if that is not known.
	By string

	Arrived, Answered time.Time
	// Status is the status of Knock's response, or 0 if Knock sent none.
	Status int
	// Executed is the status of the execution, or 0 if Knock did not execute the call.
	Executed int
	// Replayed reports that Knock ignored the call because it had seen the idempotency key before.
	Replayed bool
	// Abandoned reports that the client closed the connection before Knock responded.
	Abandoned bool
}

// Ran reports whether the call took effect.
func (c *Call) Ran() bool { return c.Executed >= 200 && c.Executed < 300 && !c.Replayed }

// NewCall returns the event and the action of a request. Every request contains the name of its event.
func NewCall(r *http.Request, body []byte, arrived time.Time) *Call {
	c := &Call{Path: r.URL.Path, Body: string(body), Key: r.Header.Get("Idempotency-Key"), Arrived: arrived}
	var content struct {
		Recipients []string       `json:"recipients"`
		Event      string         `json:"event"`
		Data       map[string]any `json:"data"`
	}
	_ = json.Unmarshal(body, &content) // a body without the fields leaves them empty
	switch {
	case strings.HasPrefix(c.Path, "/v1/users/"):
		c.Action, c.Event = IdentifyAction, ParseEventName(content.Event)
	case strings.HasSuffix(c.Path, "/cancel"):
		c.Action, c.Event = CancelAction, ParseEventName(content.Recipients[len(content.Recipients)-1])
	default:
		name, _ := content.Data["event"].(string)
		c.Action, c.Event = TriggerAction, ParseEventName(name)
	}
	return c
}
