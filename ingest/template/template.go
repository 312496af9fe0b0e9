// SPDX-License-Identifier: Apache-2.0

// Package template holds the source types. A type is data: one embedded file says how to read its events, which mappings
// it brings and how to set up the sender. Adding a provider is adding a file.
package template

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

//go:embed *.yaml
var files embed.FS

// Template is a source type. The strings that are expressions are defaults: a Source may bring its own.
type Template struct {
	Type           string          `json:"type"`
	EventType      string          `json:"eventType,omitempty"`
	Timestamp      string          `json:"timestamp,omitempty"`
	IdempotencyKey string          `json:"idempotencyKey,omitempty"`
	OrderingKey    string          `json:"orderingKey,omitempty"`
	Preprocess     []document.Step `json:"preprocess,omitempty"`
	// Mappings are the default mappings; each has a name by which a Source lists it.
	Mappings []document.Mapping `json:"mappings,omitempty"`
	// Setup are the steps to take at the sender; {url} stands for the source's URL.
	Setup []string `json:"setup,omitempty"`
	// Samples are events as the sender sends them.
	Samples []Sample `json:"samples,omitempty"`
}

// Sample is one event of a template.
type Sample struct {
	Name string          `json:"name"`
	Body json.RawMessage `json:"body"`
}

// Load returns the template of a source type, such as RudderStack.
func Load(sourceType string) (*Template, error) {
	data, err := files.ReadFile(strings.ToLower(sourceType) + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("source type %q: there is no such template", sourceType)
	}
	return Parse(data)
}

// Parse reads a template file, strictly.
func Parse(data []byte) (*Template, error) {
	var t Template
	if err := yaml.UnmarshalStrict(data, &t); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	for i := range t.Mappings {
		t.Mappings[i].Default = true
	}
	for i := range t.Preprocess {
		t.Preprocess[i].Default = true
	}
	return &t, nil
}

// Steps returns the set-up steps for a source with this URL.
func (t *Template) Steps(url string) []string {
	steps := make([]string, len(t.Setup))
	for i, step := range t.Setup {
		steps[i] = strings.ReplaceAll(step, "{url}", url)
	}
	return steps
}
