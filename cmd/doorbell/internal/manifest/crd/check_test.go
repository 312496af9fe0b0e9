// SPDX-License-Identifier: Apache-2.0

package crd

import (
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

func bell() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Bell"}
}

func load(t *testing.T) *Catalog {
	t.Helper()
	catalog, err := Load(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// object reads YAML as kubectl does, and adds the apiVersion, the kind and, if the text has none, the metadata.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	encoded, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	value := map[string]any{}
	if err := json.Unmarshal(encoded, &value); err != nil {
		t.Fatal(err)
	}
	value["apiVersion"], value["kind"] = "example.com/v1", "Bell"
	if value["metadata"] == nil {
		value["metadata"] = map[string]any{"name": "a", "namespace": "b"}
	}
	return value
}

// wrong returns the errors that Check should find: pairs of field and message.
func wrong(pairs ...string) []problem.Problem {
	var problems []problem.Problem
	for i := 0; i < len(pairs); i += 2 {
		problems = append(problems, problem.Problem{Field: pairs[i], Message: pairs[i+1]})
	}
	return problems
}

func TestCheckFindsWhatTheAPIServerWouldReject(t *testing.T) {
	catalog := load(t)
	for _, tc := range []struct {
		name, text string
		want       []problem.Problem
	}{
		{"nothing is wrong", "spec: {tone: Low, end: 3, labels: {a.b: c}, strikes: [{name: a}, {name: b}]}", nil},
		{"a CEL rule is broken", "spec: {tone: Low, start: 5, end: 3}", wrong("spec.end", "end comes before start; swap them")},
		{"an unknown field is reported beside a broken CEL rule", "spec: {tone: Low, end: 0, strat: 1}", wrong(
			"spec.end", "end comes before start; swap them",
			"spec.strat", "unknown field; did you mean start?",
		)},
		{"a default breaks a CEL rule", "spec: {tone: Low, end: 0}", wrong("spec.end", "end comes before start; swap them")},
		{"CEL rules are skipped if a type is wrong", "spec: {tone: Low, start: a, end: 0}", wrong(
			"spec.start", "must be of type integer, not string; remove the quotes",
		)},
		{"a required field is missing", "spec: {}", wrong("spec.tone", "required; add it")},
		{"a required field has no value", "spec: {tone: }", wrong("spec.tone", "required; add it")},
		{"an optional field has no value", "spec: {tone: Low, host: }", []problem.Problem{
			{Field: "spec.host", Message: "has no value, so it is ignored; write one, or remove the field", Warning: true},
		}},
		{"spec is missing", "{}", wrong("spec", "required; add it")},
		{"a value is misspelt", "spec: {tone: high}", wrong("spec.tone", `unsupported value "high"; supported values: "Low", "High"`)},
		{"a value is too long", "spec: {tone: xxxxxxxxxx}", wrong(
			"spec.tone", "may not be more than 8 characters",
			"spec.tone", `unsupported value "xxxxxxxxxx"; supported values: "Low", "High"`,
		)},
		{"a value does not match its pattern", "spec: {tone: Low, host: A}", wrong("spec.host", "should match '^[a-z]+$'")},
		{"a number is too large", "spec: {tone: Low, start: 100}", wrong("spec.start", "should be less than or equal to 99")},
		{"types are wrong", "spec: {tone: 1, loud: 'yes', labels: [], strikes: {}}", wrong(
			"spec.labels", "must be of type mapping, not list",
			"spec.loud", "must be of type boolean, not string; remove the quotes",
			"spec.strikes", "must be of type list, not mapping",
			"spec.tone", "must be of type string, not integer; put it in quotes",
		)},
		{"problems below a field of the wrong type are not reported", "spec: {tone: {Low: {}}}", wrong(
			"spec.tone", "must be of type string, not mapping; put it in quotes",
		)},
		{"a map and a list have too many items", "spec: {tone: Low, labels: {a: b, c: d, e: f}, strikes: [{name: a}, {name: b}, {name: c}]}", wrong(
			"spec.labels", "must have at most 2 items",
			"spec.strikes", "must have at most 2 items",
		)},
		{"a value in a map is empty", "spec: {tone: Low, labels: {a: ''}}", wrong("spec.labels.a", "must not be empty")},
		{"a list has the same name twice", "spec: {tone: Low, strikes: [{name: a}, {name: a}]}", wrong("spec.strikes[1]", "given twice; remove one")},
		{"fields are unknown, some similar to known ones", "spec: {tone: Low, lowd: true, strikes: [{name: a, again: [{time: 1, x: 1}]}]}\nspc: {}", wrong(
			"spc", "unknown field; did you mean spec?",
			"spec.lowd", "unknown field; did you mean loud?",
			"spec.strikes[0].again[0].time", "unknown field; did you mean times?",
			"spec.strikes[0].again[0].x", "unknown field; remove it, or use one of times",
		)},
		{"the status, which is ignored, has an unknown field", "spec: {tone: Low}\nstatus: {rung: 3, rang: 1}", wrong(
			"status.rang", "unknown field; did you mean rung?",
		)},
		{"metadata is text", "metadata: a\nspec: {tone: Low}", wrong("metadata", "must be a mapping with a name")},
		{"metadata has the wrong type", "metadata: {name: a, namespace: b, labels: {a: 1}}\nspec: {tone: Low}", wrong(
			"metadata.labels", "must be of type string, not number; put it in quotes",
		)},
		{"a label is invalid", "metadata: {name: a, namespace: b, labels: {a: '-'}}\nspec: {tone: Low}", wrong(
			"metadata.labels", `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
		)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, catalog.Check(t.Context(), bell(), object(t, tc.text))); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckTurnsTheObjectIntoWhatTheAPIServerWouldStore(t *testing.T) {
	got := object(t, "spec: {tone: Low, host: , more: 1, labels: {a: }}\nstatus: {rung: true}")
	load(t).Check(t.Context(), bell(), got)
	want := object(t, "spec: {tone: Low, start: 1, labels: {}}")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

func TestLoadNamesTheInvalidFile(t *testing.T) {
	const head = "kind: CustomResourceDefinition\nspec:\n  versions:\n  - {name: v1, served: true"
	for _, tc := range []struct{ name, text, want string }{
		{"no schema", head + "}", "CRD a.yaml: version v1: no schema"},
		{"a schema that is not structural", head + ", schema: {openAPIV3Schema: {$ref: a}}}", "CRD a.yaml: version v1: schema is not structural: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Load(fstest.MapFS{"a.yaml": {Data: []byte(tc.text)}})
			if err == nil || len(err.Error()) < len(tc.want) || err.Error()[:len(tc.want)] != tc.want {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

func TestHasReportsServedVersionsOnly(t *testing.T) {
	catalog := load(t)
	if !catalog.Has(bell()) {
		t.Error("Has reports false for the served version")
	}
	if unserved := (schema.GroupVersionKind{Group: "example.com", Version: "v0", Kind: "Bell"}); catalog.Has(unserved) {
		t.Error("Has reports true for a version that is not served")
	}
}
