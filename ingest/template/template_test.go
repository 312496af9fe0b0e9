// SPDX-License-Identifier: Apache-2.0

package template_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

func TestEveryTemplateLoadsAndHasSamplesAndSetupSteps(t *testing.T) {
	for _, name := range types(t) {
		t.Run(name, func(t *testing.T) {
			loaded, err := template.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if loaded.Type != name || len(loaded.Samples) == 0 {
				t.Errorf("type %q, %d samples", loaded.Type, len(loaded.Samples))
			}
			if len(loaded.Steps("https://x/y")) == 0 {
				t.Error("no setup steps")
			}
		})
	}
}

// TestEveryTemplateCompilesAndReadsItsSamples compiles each template like a Source without ActionMappings.
func TestEveryTemplateCompilesAndReadsItsSamples(t *testing.T) {
	for _, name := range types(t) {
		t.Run(name, func(t *testing.T) {
			loaded, err := template.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if loaded.EventType == "" {
				t.Skip("the expressions come from the Source")
			}
			program, problems := mapping.Compile(&document.Document{
				Event: document.Event{
					Type: loaded.EventType, Timestamp: loaded.Timestamp, IdempotencyKey: loaded.IdempotencyKey,
					OrderingKey: loaded.OrderingKey, Preprocess: loaded.Preprocess,
				},
				Mappings: loaded.Mappings,
			})
			for _, problem := range problems {
				t.Error(problem)
			}
			for _, sample := range loaded.Samples {
				e := &event.Event{Body: sample.Body}
				if err := program.Identify(e, nil); err != nil || e.Type == "" {
					t.Errorf("sample %s: type %q, %v", sample.Name, e.Type, err)
				}
			}
		})
	}
}

func TestLoadRejectsATypeThatIsAPath(t *testing.T) {
	if _, err := template.Load("../template"); err == nil {
		t.Error("Load returned no error")
	}
}

func TestParseRejectsInvalidTemplates(t *testing.T) {
	const hmac = "{scheme: hmac, header: x-signature, "
	for name, test := range map[string]struct{ text, want string }{
		"a misspelled field":                    {"type: X\nevenType: body.type", `unknown field "evenType"`},
		"an unknown scheme":                     {"verification: {scheme: signature, header: x}", "verification.scheme: unknown scheme"},
		"a header in capitals":                  {"verification: {scheme: headerSecret, header: X-Key}", "in lower case"},
		"an HMAC without a header":              {"verification: {scheme: hmac}", "verification.header"},
		"basic with another header":             {"verification: {scheme: basic, header: x-key}", "allows only the field header, with the value authorization"},
		"a header secret with an algorithm":     {"verification: {scheme: headerSecret, header: x, algorithm: SHA1}", "allows only the field header"},
		"an unknown algorithm":                  {"verification: " + hmac + "algorithm: MD5}", "SHA1, SHA256 or SHA512"},
		"an unknown encoding":                   {"verification: " + hmac + "encoding: Base32}", "Hex or Base64"},
		"a signature that omits the body":       {"verification: " + hmac + "signed: '{timestamp}', timestampHeader: x-t}", "{body}"},
		"a signed timestamp without a header":   {"verification: " + hmac + "signed: '{timestamp}.{body}'}", "verification.timestampHeader"},
		"a timestamp header that is not signed": {"verification: " + hmac + "timestampHeader: x-t}", "remove it"},
		"enforcement, which the Source decides": {"verification: " + hmac + "enforce: true}", "verification.enforce"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := template.Parse([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse: %v; want an error with %q", err, test.want)
			}
		})
	}
}

func TestStepsContainTheIngestionURL(t *testing.T) {
	loaded := template.Template{Setup: []string{"go to {url}", "then {url}!"}}
	if diff := cmp.Diff([]string{"go to u", "then u!"}, loaded.Steps("u")); diff != "" {
		t.Error(diff)
	}
}

// FuzzParse checks that Parse does not panic for any input.
func FuzzParse(f *testing.F) {
	f.Add([]byte("type: X\nmappings: [{name: a, event: b, action: c, parameters: {id: body.x, data: {a: b}, f: true}}]"))
	f.Add([]byte("mappings: [{parameters: {id: 1}}]"))
	f.Add([]byte("mappings: [{parameters: {id: }}]"))
	f.Add([]byte("verification: {scheme: hmac, header: x, signed: '{timestamp}{body}', timestampHeader: t}"))
	f.Fuzz(func(_ *testing.T, data []byte) { _, _ = template.Parse(data) })
}

// types returns the names of all source types.
func types(t *testing.T) []string {
	t.Helper()
	names, err := template.Types()
	if err != nil {
		t.Fatal(err)
	}
	return names
}
