// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"slices"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/template"
)

// A source type is one file in ingest/template, and its name in the enum of SourceType.
func TestEveryTemplateIsASourceTypeAndTheReverse(t *testing.T) {
	types, err := template.Types()
	if err != nil {
		t.Fatal(err)
	}
	spec := definitions(t)["Source"].Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	var enum []string
	for _, value := range spec.Properties["type"].Enum {
		enum = append(enum, string(value.Raw))
	}
	const place = "api/v1alpha1/source_types.go: in the line \"+kubebuilder:validation:Enum=\" above \"type SourceType string\""
	for _, name := range types {
		if !slices.Contains(enum, `"`+name+`"`) {
			t.Errorf("%s, add %s, then run make generate", place, name)
		}
	}
	if len(enum) > len(types) {
		t.Errorf("%s, there are types without a file in ingest/template: %s; templates are %s", place, enum, types)
	}
}
