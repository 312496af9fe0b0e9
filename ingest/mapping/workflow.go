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

// The actions on workflows.

// knockMemory is how long Knock remembers an idempotency key.
const knockMemory = 24 * time.Hour

func (b *builder) triggerWorkflow() ([]knock.Request, error) {
	workflow, err := b.id(paramWorkflow)
	if err != nil {
		return nil, err
	}
	list, err := b.recipients(paramRecipients)
	if err != nil {
		return nil, err
	}
	rest, err := b.triggerFields()
	if err != nil {
		return nil, err
	}
	return each(list, knock.MaxRecipients, func(part []recipient, i int) (knock.Request, error) {
		var body rawjson.Builder
		body.Add("recipients", listOf(part, recipient.json))
		for _, field := range rest {
			body.Add(field.Name, field.Value)
		}
		return knock.TriggerWorkflow(workflow, b.idempotencyKey(i), body.Bytes())
	})
}

// triggerFields are those that each part of a split trigger repeats.
func (b *builder) triggerFields() ([]rawjson.Field, error) {
	var fields []rawjson.Field
	for _, name := range []string{paramActor, paramTenant} {
		r, ok, err := b.optionalRecipient(name)
		if err != nil {
			return nil, err
		}
		if ok {
			fields = append(fields, rawjson.Field{Name: name, Value: r.json()})
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
			return nil, fmt.Errorf("settings.%s: it is %s, want a boolean", s.Name, kind)
		}
	}
	return []rawjson.Field{{Name: "settings", Value: rawjson.Overlay(nil, settings)}}, nil
}

func (b *builder) optionalRecipient(name string) (recipient, bool, error) {
	found, err := b.eval(name)
	if found == nil || err != nil || string(found) == `""` {
		return recipient{}, false, err
	}
	r, err := recipientOf(found)
	if err != nil {
		return recipient{}, false, fmt.Errorf("%s: %s: %w", name, b.mapping.values[name].x, err)
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
	var list []recipient
	if _, used := b.mapping.values[paramRecipients]; used { // without recipients the call cancels for everybody
		if list, err = b.recipients(paramRecipients); err != nil {
			return nil, err
		}
	}
	return each(list, knock.MaxRecipients, func(part []recipient, _ int) (knock.Request, error) {
		var body rawjson.Builder
		body.Add("cancellation_key", rawjson.Quote(key))
		if len(part) > 0 {
			body.Add("recipients", listOf(part, recipient.reference))
		}
		return knock.CancelWorkflow(workflow, body.Bytes())
	})
}

// idempotencyKey is the same for every attempt of one part of one trigger. It follows the sender's key, so that an event
// which is sent again after it was dead-lettered triggers nothing twice at Knock; but not where this source would run a
// repeated key again before Knock has forgotten it.
func (b *builder) idempotencyKey(part int) string {
	kind, value := "id", b.event.ID
	if b.event.Key != "" && b.program.window >= knockMemory {
		kind, value = "key", b.event.Key
	}
	identity := make([]byte, 0, 512)
	for _, text := range [...]string{
		b.program.source, b.mapping.name, strconv.FormatBool(b.mapping.builtin), strconv.Itoa(part), kind, b.event.Type, value,
	} {
		identity = append(append(identity, text...), 0)
	}
	sum := sha256.Sum256(identity)
	return "doorbell-" + hex.EncodeToString(sum[:16])
}
