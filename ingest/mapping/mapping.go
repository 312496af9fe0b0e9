// SPDX-License-Identifier: Apache-2.0

// Package mapping compiles the mappings of a source and plans events with them: it turns an event into Knock calls, or
// into the reason why there are none. The operator calls Compile to find mistakes, and the ingest process calls it to
// get the Program that it runs. The package must never perform I/O or read a clock, so that planning an event twice
// gives the same result.
package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/expression"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// maxKey is the maximum length of an idempotency key in characters. Doorbell ignores a longer key, as Knock does.
const maxKey = 255

// Program is a compiled document. It is immutable and safe for concurrent use.
type Program struct {
	source      string
	window      time.Duration
	eventType   *expression.Expression
	key         *expression.Expression // nil: the source does not deduplicate events
	orderingKey *expression.Expression // nil: use the idempotency key
	timestamp   *expression.Expression // nil: events have no timestamp
	steps       []expression.Step
	index       index
	headers     expression.Headers // the headers that the program's expressions read
}

// Plan is the list of actions to run for one event.
type Plan struct {
	// Actions are in running order. They are empty if no active mapping matches the event.
	Actions []Action `json:"actions"`
	// Reason says why no mapping matches. It is "" if there are actions.
	Reason string `json:"reason,omitempty"`
	// Notes describe the preprocess steps that failed.
	Notes []string `json:"notes,omitempty"`
	// Timestamp is the time of the event according to its sender, or "" if the event has none.
	Timestamp string `json:"timestamp,omitempty"`
}

// Action is the result of one mapping for one event: the requests to send, or the reason to skip the action.
type Action struct {
	Mapping string              `json:"mapping"`
	Name    document.ActionName `json:"action"`
	// Skipped is the reason to skip the action. It is "" if there are requests.
	Skipped string `json:"skipped,omitempty"`
	// Notes describe the values that the action omits.
	Notes    []string        `json:"notes,omitempty"`
	Requests []knock.Request `json:"requests,omitempty"`
}

// NoTypeError reports that an event has no valid type.
type NoTypeError struct{ Reason string }

// Error implements error. The text contains the reason.
func (e *NoTypeError) Error() string { return "no event type: " + e.Reason }

// Identify sets the event's type, idempotency key and ordering key, which it reads from the body and the headers. If
// the event has no valid idempotency key, the key stays empty and the event is not deduplicated. If it has no valid
// ordering key, the ordering key is the idempotency key, or else the ID of the event. members is the index of the body,
// or nil if there is none. The error is a *NoTypeError: the type is empty then, but both keys are set.
func (p *Program) Identify(e *event.Event, members *rawjson.Index) error {
	in := expression.NewInput(e.Body, e.Headers, p.steps)
	in.UseIndex(members)
	err := p.readType(e, in)
	e.Key = p.idempotencyKey(in)
	e.OrderingKey = p.orderingKeyOf(in, e)
	return err
}

func (p *Program) readType(e *event.Event, in *expression.Input) error {
	value, err := p.eventType.Eval(in)
	switch {
	case err != nil:
		return &NoTypeError{err.Error()}
	case rawjson.KindOf(value) != rawjson.String:
		return &NoTypeError{fmt.Sprintf("it is %s, not a string", rawjson.KindOf(value))}
	}
	if e.Type = rawjson.Unquote(value); e.Type == "" {
		return &NoTypeError{"it is empty"}
	}
	return nil
}

func (p *Program) idempotencyKey(in *expression.Input) string {
	if p.key == nil {
		return ""
	}
	value, err := p.key.Eval(in)
	if err != nil || rawjson.KindOf(value) != rawjson.String {
		return ""
	}
	key := rawjson.Unquote(value)
	if utf8.RuneCountInString(key) > maxKey {
		return ""
	}
	return key
}

func (p *Program) orderingKeyOf(in *expression.Input, e *event.Event) string {
	if p.orderingKey != nil {
		if value, err := p.orderingKey.Eval(in); err == nil {
			if id, ok := idOf(value); ok && id != "" {
				return shortened(id)
			}
			if rawjson.KindOf(value) == rawjson.Number { // a number with a fraction still identifies a lane
				return shortened(string(value))
			}
		}
	}
	if e.Key != "" {
		return e.Key
	}
	return e.ID
}

// shortened returns the ordering key, or its hash if the key is longer than maxKey. Doorbell only compares ordering
// keys and stores them with each event, so a hash is enough.
func shortened(orderingKey string) string {
	if len(orderingKey) <= maxKey {
		return orderingKey
	}
	sum := sha256.Sum256([]byte(orderingKey))
	return hex.EncodeToString(sum[:])
}

// Timestamp returns the time of the event according to its sender. It returns "" if the event has none.
func (p *Program) Timestamp(e *event.Event) string {
	return p.readTimestamp(expression.NewInput(e.Body, e.Headers, p.steps))
}

func (p *Program) readTimestamp(in *expression.Input) string {
	if p.timestamp == nil {
		return ""
	}
	value, err := p.timestamp.Eval(in)
	if err != nil || rawjson.KindOf(value) != rawjson.String {
		return ""
	}
	return rawjson.Unquote(value)
}

// ReadsHeaders reports whether an expression of the program reads any header.
func (p *Program) ReadsHeaders() bool { return !p.headers.Empty() }

// ReadsHeader reports whether an expression of the program reads the header with a lower-case name. Doorbell does not
// store the other headers.
func (p *Program) ReadsHeader(name string) bool { return p.headers.Include(name) }

// Unmapped returns the reason why no active mapping matches an event type, or "" if one does. If the type is empty,
// because it could not be read, Unmapped returns "": Plan reads the type again, and a mapping may match then.
func (p *Program) Unmapped(eventType string) (reason string) {
	if eventType == "" || p.index.matches(eventType) {
		return ""
	}
	_, inactive := p.index.match(eventType)
	return unmappedReason(eventType, inactive)
}

func unmappedReason(eventType string, inactive bool) string {
	if inactive {
		return fmt.Sprintf("no active mapping for %q", eventType)
	}
	return fmt.Sprintf("no mapping for %q", eventType)
}

// Plan evaluates the mappings that match an event. If the type of the event is empty, because it could not be read when
// the event was accepted, Plan reads it again and sets it: the expression may have been corrected since. If the type
// still cannot be read, no mapping matches.
func (p *Program) Plan(e *event.Event) Plan {
	in := expression.NewInput(e.Body, e.Headers, p.steps)
	plan := Plan{Timestamp: p.readTimestamp(in)}
	if e.Type == "" {
		if err := p.readType(e, in); err != nil {
			plan.Reason = err.Error()
			return plan
		}
	}
	matching, inactive := p.index.match(e.Type)
	if len(matching) == 0 {
		plan.Reason = unmappedReason(e.Type, inactive)
		return plan
	}
	plan.Actions = make([]Action, len(matching))
	for i, m := range matching {
		plan.Actions[i] = p.action(m, e, in)
	}
	plan.Notes = in.Failures()
	return plan
}

func (p *Program) action(m *compiled, e *event.Event, in *expression.Input) Action {
	b := builder{program: p, mapping: m, event: e, in: in}
	requests, err := b.requests()
	action := Action{Mapping: m.name, Name: m.action.name, Notes: b.notes, Requests: requests}
	if err != nil {
		action.Requests, action.Skipped = nil, err.Error()
	}
	return action
}

// condition returns the reason why the mapping does not run for an event. It returns nil if "when" is true or empty.
func (m *compiled) condition(in *expression.Input) error {
	if m.when == nil {
		return nil
	}
	value, err := m.when.Eval(in)
	switch {
	case err != nil:
		return fmt.Errorf("when: %w", err)
	case string(value) == "true":
		return nil
	case string(value) == "false":
		return errors.New("when: the condition is false")
	default:
		return fmt.Errorf("when: %s is %s, not a boolean", m.when, rawjson.KindOf(value))
	}
}

// idOf returns the ID in a JSON value: a string, or the digits of an integer as the sender wrote them. It returns false
// for any other value.
func idOf(value []byte) (string, bool) {
	switch rawjson.KindOf(value) {
	case rawjson.String:
		return rawjson.Unquote(value), true
	case rawjson.Number:
		return string(value), rawjson.IsInteger(value)
	default:
		return "", false
	}
}
