// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/expression"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// builder builds the calls of one mapping for one event. An error from any of its methods is the reason to skip the
// action.
type builder struct {
	program *Program
	mapping *compiled
	event   *event.Event
	in      *expression.Input
	notes   []string
	// absent holds the errors for the values that from and members did not find.
	absent []error
	// scratch is memory for a value that is copied into a body at once, such as a short list of recipients.
	scratch [64]byte
}

// note adds a note to the action, which the event log shows.
func (b *builder) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}

func (b *builder) requests() ([]knock.Request, error) {
	if err := b.mapping.condition(b.in); err != nil {
		return nil, err
	}
	return b.mapping.action.build(b)
}

// evaluate returns the value of a parameter that the mapping has. The error is an *expression.MissingError if the
// expression finds nothing in the event.
func (b *builder) evaluate(p parameter) ([]byte, error) {
	v := b.mapping.values[p.name]
	if v.x == nil {
		return rawjson.Quote(v.literal), nil
	}
	return v.x.Eval(b.in)
}

// required returns the value of a required parameter. It is never null.
func (b *builder) required(p parameter) ([]byte, error) {
	found, err := b.evaluate(p)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", p.name, err)
	case rawjson.KindOf(found) == rawjson.Null:
		return nil, fmt.Errorf("%s: %s is null", p.name, b.text(p))
	default:
		return found, nil
	}
}

// optional returns the value of an optional parameter. It returns nil if the mapping does not have the parameter, or if
// its value is missing or null in the event.
func (b *builder) optional(p parameter) ([]byte, error) {
	if _, used := b.mapping.values[p.name]; !used {
		return nil, nil
	}
	found, err := b.evaluate(p)
	switch {
	case expression.IsMissing(found, err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", p.name, err)
	default:
		return found, nil
	}
}

// text returns the expression of a parameter as its author wrote it.
func (b *builder) text(p parameter) fmt.Stringer { return b.mapping.values[p.name].x }

// id returns a required ID.
func (b *builder) id(p parameter) (string, error) {
	if v := b.mapping.values[p.name]; v.x == nil {
		return v.literal, nil
	}
	found, err := b.required(p)
	if err != nil {
		return "", err
	}
	id, err := b.parseID(p, found)
	if err == nil && id == "" {
		return "", fmt.Errorf("%s: %s is empty", p.name, b.text(p))
	}
	return id, err
}

// optionalID returns an ID, or "" if it is missing, null or empty.
func (b *builder) optionalID(p parameter) (string, error) {
	found, err := b.optional(p)
	if found == nil || err != nil {
		return "", err
	}
	return b.parseID(p, found)
}

func (b *builder) parseID(p parameter, value []byte) (string, error) {
	id, ok := idOf(value)
	if !ok {
		return "", fmt.Errorf("%s: %s is %s, not a string or an integer", p.name, b.text(p), describeKind(value))
	}
	return id, nil
}

// describeKind returns the kind of a value that is not a valid ID. A number that is not a valid ID has a fraction or an
// exponent.
func describeKind(value []byte) string {
	if kind := rawjson.KindOf(value); kind != rawjson.Number {
		return kind.String()
	}
	return "a number with a fraction or an exponent"
}

// copied returns the parameters whose values go into the body unchanged: texts and times. It omits a value of the wrong
// type and adds a note, so that the rest of the call is still made.
func (b *builder) copied() ([]rawjson.Field, error) {
	fields := make([]rawjson.Field, 0, len(b.mapping.copies))
	for _, p := range b.mapping.copies {
		found, err := b.optional(p)
		if err != nil {
			return nil, err
		}
		if found == nil {
			continue
		}
		if problem := textProblem(p.form, found); problem != "" {
			b.note("%s omitted: %s", p.name, problem)
			continue
		}
		fields = append(fields, rawjson.Field{Name: p.wire, Value: found})
	}
	return fields, nil
}

// textProblem returns why a value is not a text or a time, as the form requires. It returns "" if the value is valid.
func textProblem(f form, value []byte) string {
	if kind := rawjson.KindOf(value); kind != rawjson.String {
		return fmt.Sprintf("it is %s, not a string", kind)
	}
	if f == formTime {
		if _, err := time.Parse(time.RFC3339, rawjson.Unquote(value)); err != nil {
			return "it is not an RFC 3339 time"
		}
	}
	return ""
}

// from returns the object of a "…From" parameter. It returns nil if the mapping does not have the parameter, and {} if
// the object is missing or null in the event.
func (b *builder) from(p parameter) ([]byte, error) {
	if _, used := b.mapping.values[p.name]; !used {
		return nil, nil
	}
	found, err := b.evaluate(p)
	switch kind := rawjson.KindOf(found); {
	case expression.IsMissing(found, err):
		if err == nil {
			err = fmt.Errorf("%s is null", b.text(p))
		}
		b.absent = append(b.absent, err)
		return []byte("{}"), nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", p.name, err)
	case kind != rawjson.Object:
		return nil, fmt.Errorf("%s: %s is %s, not an object", p.name, b.text(p), kind)
	default:
		return found, nil
	}
}

// members returns the fields of a map parameter. It omits a field that is missing in the event, but keeps null, because
// only null clears a field at Knock.
func (b *builder) members(p parameter) ([]rawjson.Field, error) {
	var fields []rawjson.Field
	for _, m := range b.mapping.maps[p.name] {
		found, err := m.x.Eval(b.in)
		switch {
		case err == nil:
			fields = append(fields, rawjson.Field{Name: m.name, Value: found})
		case expression.IsMissing(nil, err):
			b.absent = append(b.absent, err)
		default:
			return nil, fmt.Errorf("%s.%s: %w", p.name, m.name, err)
		}
	}
	return fields, nil
}

// object returns the object of a "…From" parameter, in which the fields of a map parameter replace members of the same
// name. It returns nil if the mapping has neither parameter. If the object is empty because values are missing in the
// event, object adds a note, since that is usually a mistake in the mapping.
func (b *builder) object(from, over parameter) ([]byte, error) {
	b.absent = nil
	base, err := b.from(from)
	if err != nil {
		return nil, err
	}
	fields, err := b.members(over)
	if err != nil {
		return nil, err
	}
	if _, used := b.mapping.maps[over.name]; base == nil && !used {
		return nil, nil
	}
	object := rawjson.Overlay(base, fields)
	if string(object) == "{}" && len(b.absent) > 0 {
		b.noteEmpty(over)
	}
	return object, nil
}

func (b *builder) noteEmpty(p parameter) {
	reasons := make([]string, len(b.absent))
	for i, err := range b.absent {
		reasons[i] = err.Error()
		if missing, ok := errors.AsType[*expression.MissingError](err); ok {
			reasons[i] = missing.Path() + " is not in the event"
		}
	}
	b.note("%s is empty: %s", p.name, strings.Join(reasons, "; "))
}
