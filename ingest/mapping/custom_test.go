// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// custom returns the document of a source of the type Custom. The event type is body.type, the idempotency key is
// body.key and the ordering key is body.lane.
func custom(t testing.TB, mappings ...string) *document.Document {
	t.Helper()
	doc := &document.Document{
		Namespace: "production", Name: "custom", Type: "Custom",
		Event: document.Event{
			Type: "body.type", IdempotencyKey: "body.key", OrderingKey: "body.lane", Window: 24 * time.Hour,
		},
	}
	for _, text := range mappings {
		var m document.Mapping
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		doc.Mappings = append(doc.Mappings, m)
	}
	return doc
}

// mapped returns a mapping named m for the event type "e" as JSON. The arguments more are further fields, such as when.
func mapped(action document.ActionName, parameters string, more ...string) string {
	text := `{"name":"m","event":"e","action":"` + string(action) + `","parameters":{` + parameters + `}`
	for _, field := range more {
		text += "," + field
	}
	return text + "}"
}

// planned returns the plan for one body of the event type "e".
func planned(t testing.TB, body string, mappings ...string) mapping.Plan {
	t.Helper()
	program := compile(t, custom(t, mappings...))
	return program.Plan(identified(t, program, body))
}

// escaped escapes an expression for use in a JSON string.
func escaped(expression string) string { return strings.ReplaceAll(expression, `\`, `\\`) }
