// SPDX-License-Identifier: Apache-2.0

// Package checker holds what the simulation (test/simulate) and the tests with real processes (test/faults) share: the
// events that senders send, the configuration that handles them, and a checker that compares the responses that senders
// got, the calls that Knock received, and the event log and the keys in Redis at the end. The checker knows nothing
// else about Doorbell. Only tests may import it.
package checker

import (
	"fmt"
	"strconv"
	"strings"
)

// EventName names the n-th event of a user, from 1. It is the event's messageId, and it is part of every call to Knock.
type EventName struct {
	User string
	N    int
}

// String returns USER-N.
func (e EventName) String() string { return fmt.Sprintf("%s-%d", e.User, e.N) }

// ParseEventName parses the result of String. For any other text it returns a name that no event has.
func ParseEventName(text string) EventName {
	user, number, _ := strings.Cut(text, "-")
	n, _ := strconv.Atoi(number)
	return EventName{User: user, N: n}
}

// Kind decides which calls an event causes.
type Kind struct {
	Name    string
	body    string   // with %[1]s for the event's name and %[2]s for the user
	Actions []string // in the order of the calls
}

// The kinds of events.
var (
	Identify = Kind{
		"identify", `{"type":"identify","messageId":"%[1]s","userId":"%[2]s","traits":{"event":"%[1]s","email":"%[2]s@example.com"}}`,
		[]string{IdentifyAction},
	}
	Order = Kind{
		"order", `{"type":"track","event":"Order Completed","messageId":"%[1]s","userId":"%[2]s","properties":{"event":"%[1]s"}}`,
		[]string{TriggerAction},
	}
	// Cart is an event that replaces a reminder: it cancels the run of the former event and starts its own. The order
	// of its calls matters.
	Cart = Kind{
		"cart", `{"type":"track","event":"Product Added","messageId":"%[1]s","userId":"%[2]s","properties":{"event":"%[1]s","cart_id":"cart-%[2]s"}}`,
		[]string{CancelAction, TriggerAction},
	}
	// Page is an event that no mapping matches.
	Page = Kind{"page", `{"type":"page","name":"Home","messageId":"%[1]s","userId":"%[2]s"}`, nil}
)

// Event is one event of a sender.
type Event struct {
	EventName
	Kind Kind
	// Doomed reports whether Knock rejects the last call of the event with a permanent error.
	Doomed bool
	// Acked reports whether a sender got status 200.
	Acked bool

	repeatable bool
}

// JSON returns the body that a sender sends for the event.
func (e *Event) JSON() string { return fmt.Sprintf(e.Kind.body, e.EventName, e.User) }

// Body returns the body of a request with these events: one object, or an array of several.
func Body(events []*Event) string {
	if len(events) == 1 {
		return events[0].JSON()
	}
	elements := make([]string, len(events))
	for i, e := range events {
		elements[i] = e.JSON()
	}
	return "[" + strings.Join(elements, ",") + "]"
}
