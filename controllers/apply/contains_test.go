// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"testing"

	"sigs.k8s.io/yaml"
)

func TestContainsFindsEveryAppliedField(t *testing.T) {
	for _, tc := range []struct {
		name, live, applied string
		want                bool
	}{
		{"equal values", `{a: 1, b: [x]}`, `{a: 1, b: [x]}`, true},
		{"fields that the API server added are ignored", `{a: 1, status: {ready: 1}}`, `{a: 1}`, true},
		{"an edited value differs", `{a: 2}`, `{a: 1}`, false},
		{"a removed field differs", `{}`, `{a: 1}`, false},
		{"a quantity in canonical form is equal", `{limits: {cpu: "1"}}`, `{limits: {cpu: 1000m}}`, true},
		{"another quantity differs", `{limits: {cpu: "2"}}`, `{limits: {cpu: 1000m}}`, false},
		{"list elements that others added are ignored", `{env: [{name: b}, {name: a, value: x, extra: 1}]}`, `{env: [{name: a, value: x}]}`, true},
		{"an edited list element differs", `{env: [{name: a, value: y}]}`, `{env: [{name: a, value: x}]}`, false},
		{"an empty map equals an absent one", `{}`, `{emptyDir: {}}`, true},
		{"a list differs from a map", `{a: []}`, `{a: {b: 1}}`, false},
		{"a map differs from a list", `{a: {}}`, `{a: [1]}`, false},
		{"a number differs from a string", `{a: 80}`, `{a: "80"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := contains(parse(t, tc.live), parse(t, tc.applied)); got != tc.want {
				t.Errorf("got %v; want %v", got, tc.want)
			}
		})
	}
}

func parse(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}
