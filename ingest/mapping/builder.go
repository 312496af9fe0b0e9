// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/expression"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// builder makes the requests of one mapping for one event. An error from any of its methods is the reason to skip the
// action.
type builder struct {
	program *Program
	mapping *compiled
	event   *event.Event
	in      *expression.Input
	notes   []string
}

func (b *builder) note(format string, args ...any) {
	b.notes = append(b.notes, fmt.Sprintf(format, args...))
}

func (b *builder) requests() ([]knock.Request, error) {
	if err := b.mapping.condition(b.in); err != nil {
		return nil, err
	}
	switch b.mapping.action {
	case document.IdentifyUser:
		return one(b.identifyUser())
	case document.DeleteUser:
		return one(b.byID(knock.DeleteUser))
	case document.MergeUser:
		return one(b.mergeUser())
	case document.SetObject:
		return one(b.setObject())
	case document.DeleteObject:
		return one(b.deleteObject())
	case document.SetTenant:
		return one(b.setTenant())
	case document.DeleteTenant:
		return one(b.byID(knock.DeleteTenant))
	case document.Subscribe:
		return b.subscribe()
	case document.Unsubscribe:
		return b.unsubscribe()
	case document.AddAudienceMember, document.RemoveAudienceMember:
		return b.audienceMembers()
	case document.CancelWorkflow:
		return b.cancelWorkflow()
	case document.TriggerWorkflow:
		return b.triggerWorkflow()
	default:
		return nil, fmt.Errorf("unknown action %q", b.mapping.action)
	}
}

func one(request knock.Request, err error) ([]knock.Request, error) {
	return []knock.Request{request}, err
}

// eval returns a parameter's value; nil when it is absent, missing or null.
func (b *builder) eval(name string) ([]byte, error) {
	v, ok := b.mapping.values[name]
	if !ok {
		return nil, nil
	}
	if v.x == nil {
		return rawjson.Quote(v.literal), nil
	}
	found, err := v.x.Eval(b.in)
	if expression.IsMissing(found, err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return found, nil
}

// missing is the reason to skip an action that lacks a required parameter.
func (b *builder) missing(name string) error {
	return fmt.Errorf("%s: %s is missing or null in the event", name, b.mapping.values[name].x)
}

// id returns a required ID.
func (b *builder) id(name string) (string, error) {
	if v := b.mapping.values[name]; v.x == nil {
		return v.literal, nil
	}
	id, err := b.optionalID(name)
	if err != nil {
		return "", err
	}
	if id == "" {
		return "", fmt.Errorf("%s: %s is missing, null or empty in the event", name, b.mapping.values[name].x)
	}
	return id, nil
}

// optionalID returns an ID, or "" when it is missing or empty.
func (b *builder) optionalID(name string) (string, error) {
	found, err := b.eval(name)
	if found == nil || err != nil {
		return "", err
	}
	id, ok := idOf(found)
	if !ok {
		return "", fmt.Errorf("%s: %s is %s, want a string or an integer", name, b.mapping.values[name].x, kindOf(found))
	}
	return id, nil
}

// kindOf names a value's kind for people; a number that is no ID is one with a fraction or an exponent.
func kindOf(value []byte) string {
	if kind := rawjson.KindOf(value); kind != rawjson.Number {
		return kind.String()
	}
	return "a number with a fraction or an exponent"
}

// copied returns the parameters that are copied into the body as they are: texts and times. One of the wrong type is left
// out and noted, since it must not cost the rest.
func (b *builder) copied() ([]rawjson.Field, error) {
	fields := make([]rawjson.Field, 0, len(b.mapping.copies))
	for _, p := range b.mapping.copies {
		found, err := b.eval(p.name)
		if err != nil {
			return nil, err
		}
		if found == nil {
			continue
		}
		if problem := unfit(p.form, found); problem != "" {
			b.note("%s: left out, %s", p.name, problem)
			continue
		}
		fields = append(fields, rawjson.Field{Name: p.wire, Value: found})
	}
	return fields, nil
}

// unfit says why a value cannot serve as a text or a time; "" when it can.
func unfit(f form, value []byte) string {
	if kind := rawjson.KindOf(value); kind != rawjson.String {
		return fmt.Sprintf("it is %s, want a string", kind)
	}
	if f == formTime {
		if _, err := time.Parse(time.RFC3339, rawjson.Unquote(value)); err != nil {
			return "it is not an RFC 3339 time"
		}
	}
	return ""
}

// from evaluates an object to start from: nil when the parameter is not used, {} when it finds nothing.
func (b *builder) from(name string) ([]byte, error) {
	if _, used := b.mapping.values[name]; !used {
		return nil, nil
	}
	found, err := b.eval(name)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return []byte("{}"), nil
	}
	if kind := rawjson.KindOf(found); kind != rawjson.Object {
		return nil, fmt.Errorf("%s: %s is %s, want an object", name, b.mapping.values[name].x, kind)
	}
	return found, nil
}

// members evaluates a map of field to expression. What is missing is left out; null is kept, for it is Knock's only way
// to clear a field.
func (b *builder) members(name string) ([]rawjson.Field, error) {
	var fields []rawjson.Field
	for _, m := range b.mapping.maps[name] {
		found, err := m.x.Eval(b.in)
		switch {
		case err == nil:
			fields = append(fields, rawjson.Field{Name: m.name, Value: found})
		case expression.IsMissing(nil, err):
		default:
			return nil, fmt.Errorf("%s.%s: %w", name, m.name, err)
		}
	}
	return fields, nil
}

// object is a …From parameter with the map beside it laid over; nil when the mapping has neither.
func (b *builder) object(from, over string) ([]byte, error) {
	base, err := b.from(from)
	if err != nil {
		return nil, err
	}
	fields, err := b.members(over)
	if err != nil {
		return nil, err
	}
	if _, used := b.mapping.maps[over]; base == nil && !used {
		return nil, nil
	}
	return rawjson.Overlay(base, fields), nil
}
