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

// object reads YAML as kubectl does and adds what every object has.
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

func TestCheck(t *testing.T) {
	catalog := load(t)
	for _, tc := range []struct {
		name, text string
		want       []Finding
	}{
		{"nothing wrong", "spec: {tone: Low, end: 3, labels: {a.b: c}, strikes: [{name: a}, {name: b}]}", nil},
		{"a rule", "spec: {tone: Low, start: 5, end: 3}", []Finding{{Path: "spec.end", Message: "end comes before start; swap them"}}},
		{"a rule that a default breaks", "spec: {tone: Low, end: 0}", []Finding{{Path: "spec.end", Message: "end comes before start; swap them"}}},
		{"no rule is tried on what has the wrong shape", "spec: {tone: Low, start: a, end: 0}", []Finding{
			{Path: "spec.start", Message: "must be an integer, not a string; take the quotes off"},
		}},
		{"a required field", "spec: {}", []Finding{{Path: "spec.tone", Message: "missing; add it"}}},
		{"a required field without value", "spec: {tone: }", []Finding{
			{Path: "spec.tone", Message: "missing; add it"},
		}},
		{"an optional field without value", "spec: {tone: Low, host: }", []Finding{
			{Path: "spec.host", Message: "has no value, so it is left out; give it one, or remove it", Warning: true},
		}},
		{"no spec", "{}", []Finding{{Path: "spec", Message: "missing; add it"}}},
		{"a misspelt value", "spec: {tone: high}", []Finding{{Path: "spec.tone", Message: `not one of Low, High (found "high"); did you mean High?`}}},
		{"another value", "spec: {tone: Loud}", []Finding{{Path: "spec.tone", Message: `must be one of Low, High (found "Loud")`}}},
		{"a value that is too long", "spec: {tone: xxxxxxxxxx}", []Finding{
			{Path: "spec.tone", Message: "may not be more than 8 characters; shorten it"},
			{Path: "spec.tone", Message: `must be one of Low, High (found "xxxxxxxxxx")`},
		}},
		{"a pattern", "spec: {tone: Low, host: A}", []Finding{{Path: "spec.host", Message: `should match '^[a-z]+$' (found "A")`}}},
		{"a number that is too great", "spec: {tone: Low, start: 100}", []Finding{{Path: "spec.start", Message: "should be less than or equal to 99 (found 100)"}}},
		{"wrong types", "spec: {tone: 1, loud: 'yes', labels: [], strikes: {}}", []Finding{
			{Path: "spec.labels", Message: "must be a mapping, not a list"},
			{Path: "spec.loud", Message: "must be a boolean, not a string; take the quotes off"},
			{Path: "spec.strikes", Message: "must be a list, not a mapping"},
			{Path: "spec.tone", Message: "must be a string, not an integer; put it in quotes"},
		}},
		{"too many", "spec: {tone: Low, labels: {a: b, c: d, e: f}, strikes: [{name: a}, {name: b}, {name: c}]}", []Finding{
			{Path: "spec.labels", Message: "must have at most 2 items; take some out"},
			{Path: "spec.strikes", Message: "must have at most 2 items; take some out"},
		}},
		{"an empty value in a map", "spec: {tone: Low, labels: {a: ''}}", []Finding{{Path: "spec.labels.a", Message: "must not be empty"}}},
		{"a list with a name twice", "spec: {tone: Low, strikes: [{name: a}, {name: a}]}", []Finding{{Path: "spec.strikes[1]", Message: "given twice; keep one"}}},
		{"unknown fields, near to others and not", "spec: {tone: Low, lowd: true, strikes: [{name: a, again: [{time: 1, x: 1}]}]}\nspc: {}", []Finding{
			{Path: "spc", Message: "unknown field; did you mean spec?"},
			{Path: "spec.lowd", Message: "unknown field; did you mean loud?"},
			{Path: "spec.strikes[0].again[0].time", Message: "unknown field; did you mean times?"},
			{Path: "spec.strikes[0].again[0].x", Message: "unknown field; remove it, or use one of times"},
		}},
		{"an unknown field in the status, which is ignored else", "spec: {tone: Low}\nstatus: {rung: 3, rang: 1}", []Finding{
			{Path: "status.rang", Message: "unknown field; did you mean rung?"},
		}},
		{"metadata that is none", "metadata: a\nspec: {tone: Low}", []Finding{{Path: "metadata", Message: "must be a mapping with name and namespace"}}},
		{"metadata of the wrong type", "metadata: {name: a, namespace: b, labels: {a: 1}}\nspec: {tone: Low}", []Finding{
			{Path: "metadata.labels", Message: "must hold text only; put numbers and the like in quotes"},
		}},
		{"a bad label", "metadata: {name: a, namespace: b, labels: {a: '-'}}\nspec: {tone: Low}", []Finding{
			{Path: "metadata.labels", Message: `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (found "-")`},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, catalog.Check(t.Context(), bell(), object(t, tc.text))); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckMakesTheObjectWhatWouldBeStored(t *testing.T) {
	got := object(t, "spec: {tone: Low, host: , more: 1, labels: {a: }}\nstatus: {rung: true}")
	load(t).Check(t.Context(), bell(), got)
	want := object(t, "spec: {tone: Low, start: 1, labels: {}}")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

func TestLoadSaysWhichFileIsBroken(t *testing.T) {
	const head = "kind: CustomResourceDefinition\nspec:\n  versions:\n  - {name: v1, served: true"
	for _, tc := range []struct{ name, text, want string }{
		{"no schema", head + "}", "CRD a.yaml: version v1: it has no schema"},
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

func TestHasKnowsServedVersionsOnly(t *testing.T) {
	catalog := load(t)
	if !catalog.Has(bell()) {
		t.Error("the served version is not known")
	}
	if unserved := (schema.GroupVersionKind{Group: "example.com", Version: "v0", Kind: "Bell"}); catalog.Has(unserved) {
		t.Error("a version that is not served is known")
	}
}
