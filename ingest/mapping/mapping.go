// SPDX-License-Identifier: Apache-2.0

// Package mapping decides what an event causes: an event goes in, the Knock calls that it stands for come out, or the
// reason why there are none. It performs no I/O.
package mapping

import (
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

// maxKey is the length of an idempotency key in characters; Knock drops a longer one, and so does Doorbell.
const maxKey = 255

// Program is a compiled document. It is immutable and safe for concurrent use.
type Program struct {
	source      string
	window      time.Duration
	eventType   *expression.Expression
	key         *expression.Expression // nil: the source does not deduplicate
	orderingKey *expression.Expression // nil: the idempotency key
	timestamp   *expression.Expression // nil: none
	steps       []expression.Step
	index       index
}

// Plan is what an event causes.
type Plan struct {
	// Actions are in running order; empty when Reason says why nothing matches.
	Actions []Action `json:"actions"`
	Reason  string   `json:"reason,omitempty"`
	// Notes are preprocess steps that failed.
	Notes []string `json:"notes,omitempty"`
}

// Action is one mapping's outcome: the requests to make, or why there are none.
type Action struct {
	Mapping string              `json:"mapping"`
	Name    document.ActionName `json:"action"`
	// Skipped is the reason why the action makes no call.
	Skipped string `json:"skipped,omitempty"`
	// Notes name what was left out.
	Notes    []string        `json:"notes,omitempty"`
	Requests []knock.Request `json:"requests,omitempty"`
}

// NoTypeError is returned for an event whose type cannot be told.
type NoTypeError struct{ Reason string }

func (e *NoTypeError) Error() string { return "no event type: " + e.Reason }

// Identify reads an event's type, idempotency key and ordering key from its body and headers. The error is a
// *NoTypeError. Without a usable key the event is not deduplicated; its ordering key then falls back to its own ID.
func (p *Program) Identify(e *event.Event) error {
	in := expression.NewInput(e.Body, e.Headers, p.steps)
	value, err := p.eventType.Eval(in)
	switch {
	case err != nil:
		return &NoTypeError{err.Error()}
	case rawjson.KindOf(value) != rawjson.String:
		return &NoTypeError{fmt.Sprintf("it is %s, want a string", rawjson.KindOf(value))}
	}
	if e.Type = rawjson.Unquote(value); e.Type == "" {
		return &NoTypeError{"it is empty"}
	}
	e.Key = p.idempotencyKey(in)
	e.OrderingKey = p.lane(in, e)
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

func (p *Program) lane(in *expression.Input, e *event.Event) string {
	if p.orderingKey != nil {
		if value, err := p.orderingKey.Eval(in); err == nil {
			if id, ok := idOf(value); ok && id != "" {
				return id
			}
			if rawjson.KindOf(value) == rawjson.Number { // no id, but as good a name for a lane as any
				return string(value)
			}
		}
	}
	if e.Key != "" {
		return e.Key
	}
	return e.ID
}

// Timestamp is when the event happened, by its sender's account; empty when that cannot be told.
func (p *Program) Timestamp(e *event.Event) string {
	if p.timestamp == nil {
		return ""
	}
	value, err := p.timestamp.Eval(expression.NewInput(e.Body, e.Headers, p.steps))
	if err != nil || rawjson.KindOf(value) != rawjson.String {
		return ""
	}
	return rawjson.Unquote(value)
}

// Plan evaluates the mappings of an event that Identify has seen.
func (p *Program) Plan(e *event.Event) Plan {
	matching, inactive := p.index.match(e.Type)
	if len(matching) == 0 {
		if inactive {
			return Plan{Reason: fmt.Sprintf("no active mapping for %q", e.Type)}
		}
		return Plan{Reason: fmt.Sprintf("no mapping for %q", e.Type)}
	}
	in := expression.NewInput(e.Body, e.Headers, p.steps)
	plan := Plan{Actions: make([]Action, len(matching))}
	for i, m := range matching {
		plan.Actions[i] = p.action(m, e, in)
	}
	plan.Notes = in.Failures()
	return plan
}

func (p *Program) action(m *compiled, e *event.Event, in *expression.Input) Action {
	b := builder{program: p, mapping: m, event: e, in: in}
	requests, err := b.requests()
	action := Action{Mapping: m.name, Name: m.action, Notes: b.notes, Requests: requests}
	if err != nil {
		action.Requests, action.Skipped = nil, err.Error()
	}
	return action
}

// condition returns why the mapping's when keeps it from running; nil when it does not.
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
		return errors.New("when: not met")
	case rawjson.KindOf(value) == rawjson.Null:
		return fmt.Errorf("when: %s is null", m.when)
	default:
		return fmt.Errorf("when: %s is %s, want a boolean", m.when, rawjson.KindOf(value))
	}
}

// idOf reads an ID: a string, or an integer's digits as they are written.
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
