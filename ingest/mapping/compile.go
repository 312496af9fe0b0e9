// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/expression"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// Compile compiles a document. It leaves out a mapping with a mistake, reports the mistake, and runs the other
// mappings. If the source itself has a mistake, Compile returns no program.
func Compile(doc *document.Document) (*Program, []problem.Problem) {
	c := compiler{}
	p := &Program{
		source:      doc.Ref(),
		window:      doc.Event.Window,
		eventType:   c.expression("eventType", doc.Event.Type, expression.Text),
		key:         c.expression("idempotency.key", doc.Event.IdempotencyKey, expression.Any),
		orderingKey: c.expression("ordering.key", doc.Event.OrderingKey, expression.ID),
		timestamp:   c.expression("timestamp", doc.Event.Timestamp, expression.Text),
		index:       newIndex(doc.Event.Exact),
	}
	if p.eventType == nil && !c.failed {
		c.report("eventType", "required: write an expression that returns the event type, such as body.type")
	}
	defaults := 0 // the steps of the template come first, and spec.preprocess does not contain them
	for i, step := range doc.Event.Preprocess {
		if x := c.nonEmpty(fmt.Sprintf("preprocess[%d].value", i-defaults), step.Value, expression.Any); x != nil {
			p.steps = append(p.steps, expression.Step{Name: step.Name, Value: x, Lazy: step.Default})
		}
		if step.Default {
			defaults++
		}
	}
	if c.failed {
		return nil, c.problems
	}
	for rank, m := range inRunningOrder(doc.Mappings) {
		if out, ok := c.mapping(m); ok {
			out.rank = rank
			p.index.add(m.Event, out)
		}
	}
	p.index.seal()
	p.headers = c.headers
	return p, c.problems
}

// inRunningOrder returns the mappings sorted by the running order of their actions, then by name.
func inRunningOrder(mappings []document.Mapping) []document.Mapping {
	return slices.SortedStableFunc(slices.Values(mappings), func(a, b document.Mapping) int {
		_, placeA := findAction(a.Action)
		_, placeB := findAction(b.Action)
		return cmp.Or(cmp.Compare(placeA, placeB), cmp.Compare(a.Name, b.Name))
	})
}

// compiler collects the problems of one document.
type compiler struct {
	headers     expression.Headers // the headers that expressions read, also in mappings that have a mistake
	mappingName string             // "" while the compiler compiles the source itself
	isDefault   bool
	problems    []problem.Problem
	failed      bool // reports whether the current mapping, or the source, has a problem that is not a warning
}

// add records a problem in the field at a path below spec.
func (c *compiler) add(field, message string, warning bool) {
	c.problems = append(c.problems, problem.Problem{
		Mapping: c.mappingName, Default: c.isDefault, Field: "spec." + field, Message: message, Warning: warning,
	})
}

// report records a problem that makes the current mapping, or the source, unusable.
func (c *compiler) report(field, message string) {
	c.failed = true
	c.add(field, message, false)
}

// expression compiles an optional expression. It returns nil if the text is empty or has a mistake, which it reports.
func (c *compiler) expression(field, text string, kind expression.Kind) *expression.Expression {
	if text == "" {
		return nil
	}
	x, err := expression.Compile(text, kind)
	if err != nil {
		c.report(field, err.Error())
		if mistake, ok := errors.AsType[*expression.Error](err); ok {
			c.problems[len(c.problems)-1].Detail = mistake.Detail()
		}
		return nil
	}
	if x.Warning != "" {
		c.add(field, x.Warning, true)
	}
	c.headers.Add(x)
	return x
}

// nonEmpty compiles an expression that must not be empty. It returns nil if the expression has a mistake, which it
// reports.
func (c *compiler) nonEmpty(field, text string, kind expression.Kind) *expression.Expression {
	if text == "" {
		c.report(field, "the expression is empty; write '' for an empty text")
		return nil
	}
	return c.expression(field, text, kind)
}

// mapping compiles one mapping and reports whether it is free of mistakes.
func (c *compiler) mapping(m document.Mapping) (*compiled, bool) {
	c.mappingName, c.isDefault, c.failed = m.Name, m.Default, false
	action, _ := findAction(m.Action)
	out := &compiled{
		name: m.Name, builtin: m.Default, action: action, inactive: m.Inactive,
		values: map[string]value{}, maps: map[string][]member{}, flags: map[string]bool{},
		when: c.expression("when", m.When, expression.Bool),
	}
	if m.Event == "" {
		c.report("event", "required: write an event type, such as track/order_completed, or a prefix and *, such as track/*")
	}
	if action == nil {
		c.report("action", fmt.Sprintf("unknown action %q", m.Action))
		return out, false
	}
	known := map[string]bool{}
	for _, p := range action.parameters {
		known[p.name] = true
		c.parameter(m, p, out)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Parameters)) {
		if !known[name] {
			c.report(fmt.Sprintf("%s.%s", m.Action, name), fmt.Sprintf("%s has no parameter %q", m.Action, name))
		}
	}
	return out, !c.failed
}

// parameter compiles one parameter of a mapping into out.
func (c *compiler) parameter(m document.Mapping, p parameter, out *compiled) {
	field := fmt.Sprintf("%s.%s", m.Action, p.name)
	given, ok := m.Parameters[p.name]
	if !ok || p.form.isText() && given.Text == "" {
		if p.required {
			c.report(field, "required")
		}
		return
	}
	switch p.form {
	case formFlag:
		out.flags[p.name] = given.Flag
	case formFields:
		members := make([]member, 0, len(given.Fields))
		for _, f := range given.Fields {
			if x := c.nonEmpty(field+"."+f.Name, f.Value, expression.Any); x != nil {
				members = append(members, member{f.Name, x})
			}
		}
		out.maps[p.name] = members
	case formKey:
		out.values[p.name] = c.key(field, given.Text)
	default:
		if x := c.expression(field, given.Text, p.form.kind()); x != nil {
			out.values[p.name] = value{x: x}
			if p.wire != "" {
				out.copies = append(out.copies, p)
			}
		}
	}
}

// key compiles a parameter that is a literal, unless it begins with "=".
func (c *compiler) key(field, text string) value {
	if code, ok := strings.CutPrefix(text, "="); ok {
		return value{x: c.nonEmpty(field, strings.TrimSpace(code), expression.ID)}
	}
	if invalid, ok := errors.AsType[*knock.IDError](knock.CheckID("", text)); ok {
		c.report(field, fmt.Sprintf("%q %s", text, invalid.Reason))
	}
	return value{literal: text}
}

// form is the way in which an author writes a parameter. It determines which values the parameter accepts.
type form int

const (
	formID         form = iota // a string or an integer
	formText                   // a string; the builder omits any other value and adds a note
	formTime                   // an RFC 3339 time; the builder omits any other value and adds a note
	formRecipient              // an ID, or an object with an id
	formRecipients             // one recipient, or a list of recipients
	formObject                 // an object whose members the body starts with
	formKey                    // a literal, or an expression after "="
	formFields                 // a map of field names to expressions
	formFlag                   // true or false
)

// kind returns the type that the expressions of the form must have.
func (f form) kind() expression.Kind {
	switch f {
	case formID, formKey:
		return expression.ID
	case formText, formTime:
		return expression.Text
	case formRecipient, formRecipients:
		return expression.List
	case formObject:
		return expression.Object
	case formFields, formFlag:
		return expression.Any
	default:
		return expression.Any
	}
}

// isText reports whether an author writes the parameter as one text.
func (f form) isText() bool { return f != formFields && f != formFlag }
