// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"testing"

	"sigs.k8s.io/yaml"
)

func TestAnObjectContainsWhatWasApplied(t *testing.T) {
	for _, tc := range []struct {
		name, live, applied string
		want                bool
	}{
		{"the same", `{a: 1, b: [x]}`, `{a: 1, b: [x]}`, true},
		{"what the server added does not matter", `{a: 1, status: {ready: 1}}`, `{a: 1}`, true},
		{"a value that was edited", `{a: 2}`, `{a: 1}`, false},
		{"a field that was removed", `{}`, `{a: 1}`, false},
		{"a quantity in the server's form", `{limits: {cpu: "1"}}`, `{limits: {cpu: 1000m}}`, true},
		{"another quantity", `{limits: {cpu: "2"}}`, `{limits: {cpu: 1000m}}`, false},
		{"a list that others added to", `{env: [{name: b}, {name: a, value: x, extra: 1}]}`, `{env: [{name: a, value: x}]}`, true},
		{"an entry that was edited", `{env: [{name: a, value: y}]}`, `{env: [{name: a, value: x}]}`, false},
		{"an empty map need not be stored", `{}`, `{emptyDir: {}}`, true},
		{"a list in place of a map", `{a: []}`, `{a: {b: 1}}`, false},
		{"a map in place of a list", `{a: {}}`, `{a: [1]}`, false},
		{"a number in place of a string", `{a: 80}`, `{a: "80"}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := contains(parse(t, tc.live), parse(t, tc.applied)); got != tc.want {
				t.Errorf("got %v", got)
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
