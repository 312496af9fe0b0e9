// SPDX-License-Identifier: Apache-2.0

package template_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/template"
)

func TestLoad(t *testing.T) {
	for _, name := range []string{"RudderStack", "Custom"} {
		loaded, err := template.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if loaded.Type != name || len(loaded.Samples) == 0 {
			t.Errorf("%s: got type %q, %d samples", name, loaded.Type, len(loaded.Samples))
		}
		steps := loaded.Steps("https://x/y")
		if len(steps) == 0 {
			t.Errorf("%s: no set-up steps", name)
		}
	}
	if _, err := template.Load("../template"); err == nil {
		t.Error("a type that is a path must not load")
	}
}

func TestParseRefusesUnknownFields(t *testing.T) {
	if _, err := template.Parse([]byte("type: X\nevenType: body.type\n")); err == nil {
		t.Error("a misspelt field must be refused")
	}
}

func TestStepsHaveTheURL(t *testing.T) {
	loaded := template.Template{Setup: []string{"go to {url}", "then {url}!"}}
	if diff := cmp.Diff([]string{"go to u", "then u!"}, loaded.Steps("u")); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("type: X\nmappings: [{name: a, event: b, action: c, parameters: {id: body.x, data: {a: b}, f: true}}]"))
	f.Add([]byte("mappings: [{parameters: {id: 1}}]"))
	f.Add([]byte("mappings: [{parameters: {id: }}]"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = template.Parse(data) })
}
