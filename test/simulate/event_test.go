// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// eventName names the n-th event of a user. It is the event's messageId, and it is part of every call to Knock.
type eventName struct {
	user string
	n    int
}

func (e eventName) String() string { return fmt.Sprintf("%s-%d", e.user, e.n) }

func parseEventName(text string) eventName {
	user, number, _ := strings.Cut(text, "-")
	n, _ := strconv.Atoi(number) // 0 if the text is not the name of an event; no event has this number
	return eventName{user: user, n: n}
}

// eventKind decides which calls an event causes.
type eventKind struct {
	name    string
	body    string // with one %[1]s for the event's name and %[2]s for the user
	actions []string
}

// The kinds of events.
var (
	identifyEvent = eventKind{
		"identify", `{"type":"identify","messageId":"%[1]s","userId":"%[2]s","traits":{"event":"%[1]s","email":"%[2]s@example.com"}}`,
		[]string{identifyAction},
	}
	orderEvent = eventKind{
		"order", `{"type":"track","event":"Order Completed","messageId":"%[1]s","userId":"%[2]s","properties":{"event":"%[1]s"}}`,
		[]string{triggerAction},
	}
	// cartEvent replaces a reminder: it cancels the run of the former event and starts its own. The order of its calls
	// matters.
	cartEvent = eventKind{
		"cart", `{"type":"track","event":"Product Added","messageId":"%[1]s","userId":"%[2]s","properties":{"event":"%[1]s","cart_id":"cart-%[2]s"}}`,
		[]string{cancelAction, triggerAction},
	}
	// pageEvent is an event that no mapping matches.
	pageEvent = eventKind{"page", `{"type":"page","name":"Home","messageId":"%[1]s","userId":"%[2]s"}`, nil}
)

// sent is one event of a sender.
type sent struct {
	eventName
	kind eventKind
	// doomed reports whether Knock rejects the last call of the event with a permanent error.
	doomed bool
	acked  bool // a sender got status 200
	// repeatable reports whether a client sent a doomed event again. Dead-lettering an event frees its key, so that the
	// event that arrives afterwards is a new one, at the end of the user's events.
	repeatable bool
}

func (e *sent) json() string { return fmt.Sprintf(e.kind.body, e.eventName, e.user) }

func sha1Hex(text string) string {
	sum := sha1.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}
