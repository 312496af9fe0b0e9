// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/template"
)

// A source type is one file in ingest/template, and its name in the enum of SourceType.
func TestEveryTemplateIsASourceTypeAndTheReverse(t *testing.T) {
	types, err := template.Types()
	if err != nil {
		t.Fatal(err)
	}
	enum := sourceTypes(t)
	const place = "api/v1alpha1/source_types.go, in the line \"+kubebuilder:validation:Enum=\" above \"type SourceType string\": "
	for _, name := range types {
		if !slices.Contains(enum, `"`+name+`"`) {
			t.Errorf(place+"add %s, then run make generate", name)
		}
	}
	for _, name := range enum {
		if !slices.Contains(types, strings.Trim(name, `"`)) {
			t.Errorf(place+"%s has no file in ingest/template; add the file or remove the name", name)
		}
	}
}

func TestAnUnknownSourceTypeIsRejected(t *testing.T) {
	rejects(t, kinds(t)["Source"], "type: PigeonPost\nknock: {apiKeySecretRef: {name: knock, key: apiKey}}",
		"spec.type: supported values: "+strings.Join(sourceTypes(t), ", "))
}

// sourceTypes returns the values of spec.type in the schema, in quotes.
func sourceTypes(t *testing.T) []string {
	t.Helper()
	spec := definitions(t)["Source"].Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	var values []string
	for _, value := range spec.Properties["type"].Enum {
		values = append(values, string(value.Raw))
	}
	return values
}
