// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// rudderStack returns the document of a RudderStack source with the default mappings and more mappings, given as JSON.
func rudderStack(t testing.TB, mappings ...string) *document.Document {
	t.Helper()
	source, err := template.Load("RudderStack")
	if err != nil {
		t.Fatal(err)
	}
	doc := &document.Document{
		Namespace: "production", Name: "rudderstack", Type: "RudderStack",
		Event: document.Event{
			Type: source.EventType, Timestamp: source.Timestamp, IdempotencyKey: source.IdempotencyKey,
			OrderingKey: source.OrderingKey, Preprocess: source.Preprocess, Window: 24 * time.Hour,
		},
		Mappings: source.Mappings,
	}
	for _, text := range mappings {
		var m document.Mapping
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		doc.Mappings = append(doc.Mappings, m)
	}
	return doc
}

func compile(t testing.TB, doc *document.Document) *mapping.Program {
	t.Helper()
	program, problems := mapping.Compile(doc)
	for _, problem := range problems {
		t.Errorf("%s: %v", problem.Mapping, problem)
	}
	if program == nil {
		t.FailNow()
	}
	return program
}

func identified(t testing.TB, program *mapping.Program, body string) *event.Event {
	t.Helper()
	e := &event.Event{ID: "evt", Body: []byte(body)}
	if err := program.Identify(e, nil); err != nil {
		t.Fatal(err)
	}
	return e
}
