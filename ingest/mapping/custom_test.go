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

// custom is a document of a source without a template: the type is body.type, the key body.key, the lane body.lane.
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

// mapped is a mapping named m on the event type "e", as JSON; more may hold further fields, such as when.
func mapped(action document.ActionName, parameters string, more ...string) string {
	text := `{"name":"m","event":"e","action":"` + string(action) + `","parameters":{` + parameters + `}`
	for _, field := range more {
		text += "," + field
	}
	return text + "}"
}

// planned is what mappings make of one body of the type "e".
func planned(t testing.TB, body string, mappings ...string) mapping.Plan {
	t.Helper()
	program := compile(t, custom(t, mappings...))
	return program.Plan(identified(t, program, body))
}

// escaped makes an expression fit between the quotes of JSON.
func escaped(expression string) string { return strings.ReplaceAll(expression, `\`, `\\`) }
