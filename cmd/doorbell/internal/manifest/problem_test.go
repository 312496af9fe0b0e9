// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/manifestdir"
)

func TestProblemsNameTheLineTheFieldAndTheCorrection(t *testing.T) {
	const (
		aString      = "must be of type string, not "
		quoted       = "; put it in quotes"
		ourVersion   = "a.yaml:1: apiVersion: must be doorbell.dev/v1alpha1"
		invalidName  = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
		yamlAdvice   = "; correct the indentation, or put the whole value in quotes"
		requiredName = "metadata.name: required; add it"
	)
	loader := newLoader(t)
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"an empty file", "# nothing\n", []string{"a.yaml: no objects; to remove the objects that it had, delete the file"}},
		{"text that is not a mapping", "hello\n", []string{"a.yaml:1: not a manifest; it must be a mapping with apiVersion, kind and metadata"}},
		{"invalid YAML in the second document", join(secret, "a: [b\n"), []string{
			"a.yaml:6: invalid YAML: did not find expected ',' or ']'" + yamlAdvice,
		}},
		{"a misspelt kind", strings.Replace(source, "Source", "Sorce", 1), []string{"a.yaml:2: kind: must be Source or ActionMapping"}},
		{"a kind that our group does not have", "apiVersion: doorbell.dev/v1alpha1\nkind: Bell\n", []string{"a.yaml:2: kind: must be Source or ActionMapping"}},
		{"no kind", "apiVersion: doorbell.dev/v1alpha1\n", []string{"a.yaml:1: kind: must be Source or ActionMapping"}},
		{"a wrong version", strings.Replace(source, "v1alpha1", "v1", 1), []string{ourVersion}},
		{"a Secret of our group", strings.Replace(secret, "v1", "doorbell.dev/v1alpha1", 1), []string{"a.yaml:2: kind: must be Source or ActionMapping"}},
		{"no metadata", "apiVersion: doorbell.dev/v1alpha1\nkind: Source\n", []string{"a.yaml:1: " + requiredName}},
		{"a generated name", strings.Replace(secret, "name:", "generateName:", 1), []string{"a.yaml:3: " + requiredName}},
		{"a name that is a number", strings.Replace(secret, "name: knock", "name: 12", 1), []string{"a.yaml:3: metadata.name: " + aString + "number" + quoted}},
		{"a namespace that is a number", strings.Replace(secret, "name: knock", "name: knock, namespace: 12", 1), []string{"a.yaml:3: metadata.namespace: " + aString + "number" + quoted}},
		{"an invalid name and namespace", strings.Replace(secret, "name: knock", "name: Knock, namespace: a.b", 1), []string{
			"a.yaml:3: metadata.name: " + invalidName, "a.yaml:3: metadata.namespace: must not contain dots",
		}},
		{"a misspelt metadata field", strings.Replace(secret, "name: knock", "name: knock, lables: {}", 1), []string{"a.yaml:3: metadata.lables: unknown field; did you mean labels?"}},
		{"an unknown field", strings.Replace(mapping, "recipients:", "recipient:", 1), []string{
			"a.yaml:8: spec.triggerWorkflow.recipients: required; add it",
			"a.yaml:10: spec.triggerWorkflow.recipient: unknown field; did you mean recipients?",
		}},
		{"a value that is not supported", source + "  eventMatching: exact\n", []string{
			`a.yaml:7: spec.eventMatching: unsupported value "exact"; supported values: "Normalized", "Exact"`,
		}},
		{"a boolean instead of text", mapping + "    actor: yes\n", []string{"a.yaml:11: spec.triggerWorkflow.actor: " + aString + "boolean" + quoted}},
		{"a list instead of an expression", strings.Replace(mapping, "body.userId", "[body.userId]", 1), []string{
			"a.yaml:10: spec.triggerWorkflow.recipients: " + aString + "list" + quoted,
		}},
		{"an empty value", strings.Replace(mapping, "event: track/order_completed", "event: ''", 1), []string{"a.yaml:7: spec.event: must not be empty"}},
		{"a broken CEL rule", strings.Replace(source, "RudderStack", "Custom", 1), []string{
			"a.yaml:4: spec.eventType: type Custom requires eventType: the expression that yields the type of an event, such as body.type",
		}},
		{"an expression that YAML reads as a tag", strings.Replace(mapping, "  event:", "  when: !body.test\n  event:", 1), []string{
			"a.yaml:7: spec.when: YAML reads the ! at the beginning as a tag; put the whole value in quotes",
		}},
		{"an expression that YAML reads as an alias", strings.Replace(mapping, "  event:", "  when: *body\n  event:", 1), []string{
			"a.yaml:7: invalid YAML: YAML reads the * at the beginning as an alias" + yamlAdvice,
		}},
		{"an empty condition", strings.Replace(mapping, "  event:", "  when:\n  event:", 1), []string{
			"warning: a.yaml:7: spec.when: has no value, so it is ignored; write one, or remove the field",
		}},
		{"a key that YAML reads as a boolean", mapping + "    data: {y: body.y}\n", []string{
			"warning: a.yaml:11: spec.triggerWorkflow.data.y: YAML reads this key as a boolean; put it in quotes",
		}},
		{"a field given twice", strings.Replace(mapping, "  event:", "  event: identify\n  event:", 1), []string{
			"a.yaml:8: spec.event: given twice, first on line 7; remove one",
		}},
		{"an object given twice", join(secret, secret), []string{
			"a.yaml:8: metadata.name: Secret default/knock is also in a.yaml:3, and Doorbell uses that one; rename or remove one",
		}},
		{"Secret data that is not base64", strings.Replace(secret, "stringData", "data", 1), []string{
			"a.yaml:4: data[apiKey]: not base64; write plain text under stringData",
		}},
		{"a number in a Secret", strings.Replace(secret, "sk_test_1", "12", 1), []string{"a.yaml:4: stringData.apiKey: " + aString + "integer" + quoted}},
		{"a Secret without a value", strings.Replace(secret, "sk_test_1", "", 1), []string{
			"warning: a.yaml:4: stringData.apiKey: has no value, so it is ignored; write one, or remove the field",
		}},
		{"unknown fields and wrong types in a Secret", secret + "apiKey: x\nstringdata: {}\nimmutable: 1\ntype: 1\n", []string{
			"a.yaml:5: apiKey: unknown field; remove it, or use one of data, immutable, stringData, type",
			"a.yaml:6: stringdata: unknown field; did you mean stringData?",
			"a.yaml:7: immutable: must be of type boolean, not integer",
			"a.yaml:8: type: " + aString + "integer" + quoted,
		}},
		{"an invalid key in a Secret", strings.Replace(secret, "apiKey", "api/key", 1), []string{
			`a.yaml:4: stringData: a key must have at most 253 characters, all of them letters, digits, "-", "_" or "."`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			begin(t, loader, map[string]string{"a.yaml": tc.text})
			set := loader.Load(t.Context(), manifestdir.Scan([]string{"a.yaml"}))
			var got []string
			for _, p := range set.Problems {
				got = append(got, line(p))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMisspeltActionIsReported(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": strings.Replace(mapping, "triggerWorkflow", "triggerWorkflo", 1)})
	set := loader.Load(t.Context(), manifestdir.Scan([]string{"a.yaml"}))
	want := "a.yaml:8: spec.triggerWorkflo: unknown field; did you mean triggerWorkflow?"
	if len(set.Problems) != 2 || set.Problems[1].Error() != want {
		t.Errorf("problems %v, want one about spec and %s", set.Problems, want)
	}
}

func TestProblemsNeverContainTheValueOfASecret(t *testing.T) {
	const value = "sk_live_hidden"
	loader := newLoader(t)
	for _, text := range []string{
		"stringData: " + value,
		"data: " + value,
		"data: {apiKey: " + value + "}",
		"data: {apiKey: !!int " + value + "}",
		"data: {apiKey: !!binary " + value + "!}",
		"stringData: {apiKey: [" + value + "]}",
		"stringData: {apiKey: {" + value + ": 1, " + value + ": 2}}",
		"stringData: {~: " + value + "}",
		"stringData: {? [" + value + "] : x}",
		"stringData:\n  apiKey: " + value + ": x",
		"stringData:\n  apiKey: '" + value,
		"stringData:\n  apiKey: *" + value,
		"stringData:\n\tapiKey: " + value,
		"stringData:\n  apiKey: " + value + "\n " + value,
		"type: [" + value + "]",
		"immutable: " + value,
		"apiKey: " + value,
		"stringData: {apiKey: " + value + ", apiKey: " + value + "}",
	} {
		t.Run(text, func(t *testing.T) {
			begin(t, loader, map[string]string{"a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: knock}\n" + text + "\n"})
			set := loader.Load(t.Context(), manifestdir.Scan([]string{"a.yaml"}))
			if len(set.Problems) == 0 {
				t.Error("no problem found")
			}
			for _, problem := range set.Problems {
				if strings.Contains(problem.Error(), value) {
					t.Errorf("the problem contains the secret: %s", problem.Error())
				}
			}
		})
	}
}

func TestARejectedSourceDiffersFromAMissingOne(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": strings.Replace(source, "RudderStack", "PigeonPost", 1)})
	set := loader.Load(t.Context(), manifestdir.Scan([]string{"."}))
	if len(set.Sources) != 0 || !set.HasRejectedSource("default", "rudderstack") {
		t.Errorf("sources %v, want a rejected one", set.Sources)
	}
	if set.HasRejectedSource("default", "other") || set.HasRejectedSource("prod", "rudderstack") {
		t.Error("a missing Source is reported as rejected")
	}
}
