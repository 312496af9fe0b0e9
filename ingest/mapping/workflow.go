// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// This file has the actions on workflows.

// knockWindow is how long Knock remembers an idempotency key.
const knockWindow = 24 * time.Hour

func (b *builder) triggerWorkflow() ([]knock.Request, error) {
	workflow, err := b.id(paramWorkflow)
	if err != nil {
		return nil, err
	}
	list, err := b.recipients(paramRecipients)
	if err != nil {
		return nil, err
	}
	fields, err := b.triggerFields()
	if err != nil {
		return nil, err
	}
	return inParts(list, knock.MaxRecipients, func(part []recipient, i int) (knock.Request, error) {
		fields[0] = rawjson.Field{Name: "recipients", Value: appendList(b.scratch[:0], part, recipient.appendInline)}
		request, err := knock.NewRequestWithBody(knock.TriggerWorkflow, rawjson.Overlay(nil, fields), workflow)
		if err != nil {
			return knock.Request{}, err
		}
		return request.WithIdempotencyKey(b.idempotencyKey(i))
	})
}

// triggerFields returns the fields of a trigger. The first one is a placeholder for the recipients. If a trigger is
// split, each part repeats the other fields.
func (b *builder) triggerFields() ([]rawjson.Field, error) {
	fields := make([]rawjson.Field, 1, 4)
	for _, p := range []parameter{paramActor, paramTenant} {
		r, ok, err := b.optionalRecipient(p)
		if err != nil {
			return nil, err
		}
		if ok {
			fields = append(fields, rawjson.Field{Name: p.name, Value: r.appendInline(nil)})
		}
	}
	data, err := b.object(paramDataFrom, paramData)
	if err != nil {
		return nil, err
	}
	if data != nil {
		fields = append(fields, rawjson.Field{Name: "data", Value: data})
	}
	key, err := b.optionalID(paramCancellationKey)
	if err != nil {
		return nil, err
	}
	if key != "" {
		fields = append(fields, rawjson.Field{Name: "cancellation_key", Value: rawjson.Quote(key)})
	}
	settings, err := b.triggerSettings()
	if err != nil {
		return nil, err
	}
	return append(fields, settings...), nil
}

func (b *builder) triggerSettings() ([]rawjson.Field, error) {
	settings, err := b.members(paramSettings)
	if err != nil || len(settings) == 0 {
		return nil, err
	}
	for _, s := range settings {
		if kind := rawjson.KindOf(s.Value); kind != rawjson.Bool && kind != rawjson.Null {
			return nil, fmt.Errorf("settings.%s: it is %s, not a boolean", s.Name, kind)
		}
	}
	return []rawjson.Field{{Name: "settings", Value: rawjson.Overlay(nil, settings)}}, nil
}

// optionalRecipient returns a recipient. It returns false if the recipient is missing, null or empty.
func (b *builder) optionalRecipient(p parameter) (recipient, bool, error) {
	found, err := b.optional(p)
	if found == nil || err != nil || string(found) == `""` {
		return recipient{}, false, err
	}
	r, err := recipientOf(found)
	if err != nil {
		return recipient{}, false, fmt.Errorf("%s: %s: %w", p.name, b.text(p), err)
	}
	return r, true, nil
}

func (b *builder) cancelWorkflow() ([]knock.Request, error) {
	workflow, err := b.id(paramWorkflow)
	if err != nil {
		return nil, err
	}
	key, err := b.id(paramCancellationKey)
	if err != nil {
		return nil, err
	}
	var list []recipient // if the mapping has no recipients, the call cancels for all recipients
	if _, used := b.mapping.values[paramRecipients.name]; used {
		if list, err = b.recipients(paramRecipients); err != nil {
			return nil, err
		}
	}
	return inParts(list, knock.MaxRecipients, func(part []recipient, _ int) (knock.Request, error) {
		var body rawjson.Builder
		body.Add("cancellation_key", rawjson.Quote(key))
		if len(part) > 0 {
			body.Add("recipients", appendList(nil, part, recipient.appendReference))
		}
		return knock.NewRequestWithBody(knock.CancelWorkflow, body.Bytes(), workflow)
	})
}

// idempotencyKey returns the key of one part of one trigger, which is the same for every attempt.
//
// The key depends on the sender's idempotency key if there is one. Then Knock does not run a workflow twice if the
// sender repeats an event after Doorbell dead-lettered it. There is one exception: if the dedupe window of the source
// is shorter than Knock's, the source can accept the same key again on purpose while Knock still remembers it. In that
// case the key depends on the ID of the event.
func (b *builder) idempotencyKey(part int) string {
	kind, value := "id", b.event.ID
	if b.event.Key != "" && b.program.window >= knockWindow {
		kind, value = "key", b.event.Key
	}
	var buffer [512]byte
	identity := buffer[:0]
	for _, text := range [...]string{
		b.program.source, b.mapping.name, strconv.FormatBool(b.mapping.builtin), strconv.Itoa(part), kind, b.event.Type, value,
	} {
		identity = append(append(identity, text...), 0)
	}
	sum := sha256.Sum256(identity)
	key := append(make([]byte, 0, 64), "doorbell-"...)
	return string(hex.AppendEncode(key, sum[:16]))
}
