// SPDX-License-Identifier: Apache-2.0

// Package template holds the source types. A source type is data: one embedded YAML file says how to read the events of
// a sender, how to verify the sender and how to set it up, and defines the default mappings. To add a source type, add
// a file here and add its name to the enum of SourceType in api/v1alpha1. A test in that package fails if one of the
// two is missing. The compiler of Sources and `doorbell dev` load templates. A template must never contain code or a
// secret.
package template

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

//go:embed *.yaml
var files embed.FS

// Template is the definition of a source type. EventType, Timestamp, IdempotencyKey and OrderingKey are expressions
// that Doorbell uses unless the Source defines its own.
type Template struct {
	Type      string `json:"type"`
	EventType string `json:"eventType,omitempty"`
	// EventTypes lists the event types that the sender documents, in the form of a mapping's event: a type, or a prefix
	// and a star. If it is empty, every event type is possible.
	EventTypes     []string        `json:"eventTypes,omitempty"`
	Timestamp      string          `json:"timestamp,omitempty"`
	IdempotencyKey string          `json:"idempotencyKey,omitempty"`
	OrderingKey    string          `json:"orderingKey,omitempty"`
	Preprocess     []document.Step `json:"preprocess,omitempty"`
	// Verification applies to a Source that sets verification.secretRef and defines no scheme. It is nil if the source
	// type has no default scheme.
	Verification *document.Verification `json:"verification,omitempty"`
	// Mappings are the default mappings. A Source selects them by name.
	Mappings []document.Mapping `json:"mappings,omitempty"`
	// Setup lists the steps with which a user sets up the sender. The method Steps replaces {url} in them by the
	// ingestion URL.
	Setup []string `json:"setup,omitempty"`
	// Samples are events as the sender sends them.
	Samples []Sample `json:"samples,omitempty"`
}

// Sample is an example of an event.
type Sample struct {
	Name string          `json:"name"`
	Body json.RawMessage `json:"body"`
}

// Types returns the names of all source types, sorted by the names of their files. It fails if a file is not a valid
// template, or if the file is not named after the type in lower case, which is how Load finds it.
func Types() ([]string, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	types := make([]string, len(names))
	for i, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read template %s: %w", name, err)
		}
		t, err := Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if want := strings.ToLower(t.Type) + ".yaml"; name != want {
			return nil, fmt.Errorf("%s: the template of type %q must be in a file named %s", name, t.Type, want)
		}
		types[i] = t.Type
	}
	return types, nil
}

// Load returns the template of a source type, such as RudderStack.
func Load(sourceType string) (*Template, error) {
	data, err := files.ReadFile(strings.ToLower(sourceType) + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("unknown source type %q", sourceType)
	}
	return Parse(data)
}

// Parse reads a template. It rejects unknown fields and a verification whose fields contradict each other.
func Parse(data []byte) (*Template, error) {
	var t Template
	if err := yaml.UnmarshalStrict(data, &t); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	if t.Verification != nil {
		if err := checkVerification(*t.Verification); err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
	}
	for i := range t.Mappings {
		t.Mappings[i].Default = true
	}
	for i := range t.Preprocess {
		t.Preprocess[i].Default = true
	}
	return &t, nil
}

// Steps returns the setup steps with the ingestion URL filled in.
func (t *Template) Steps(url string) []string {
	steps := make([]string, len(t.Setup))
	for i, step := range t.Setup {
		steps[i] = strings.ReplaceAll(step, "{url}", url)
	}
	return steps
}
