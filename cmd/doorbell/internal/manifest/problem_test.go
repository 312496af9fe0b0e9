// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/folder"
)

func TestProblemsSayWhatWhereAndHowToFixIt(t *testing.T) {
	loader := newLoader(t)
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"an empty file", "# nothing\n", []string{"a.yaml: holds no object; to take its objects out of service, delete the file"}},
		{"text that is no mapping", "hello\n", []string{"a.yaml:1: not a manifest: it must be a mapping with apiVersion, kind and metadata"}},
		{"YAML that is broken in the second document", join(secret, "a: [b\n"), []string{
			"a.yaml:6: not YAML: the bracket is not closed, or something follows it; if this is an expression, put it in quotes",
		}},
		{"a misspelt kind", strings.Replace(source, "Source", "Sorce", 1), []string{"a.yaml:2: kind: there is no kind Sorce; did you mean Source?"}},
		{"a misspelt kind without apiVersion", "kind: actionmapping\n", []string{"a.yaml:1: kind: there is no kind actionmapping; did you mean ActionMapping?"}},
		{"a kind that our group does not have", "apiVersion: doorbell.dev/v1alpha1\nkind: Bell\n", []string{"a.yaml:2: kind: there is no kind Bell; write Source or ActionMapping"}},
		{"a kind that is missing", "apiVersion: doorbell.dev/v1alpha1\n", []string{"a.yaml:1: kind: missing; add kind: Source or kind: ActionMapping"}},
		{"a wrong version", strings.Replace(source, "v1alpha1", "v1", 1), []string{"a.yaml:1: apiVersion: Source is of apiVersion doorbell.dev/v1alpha1; write that"}},
		{"a misspelt group", strings.Replace(source, "doorbell.dev", "doorbel.dev", 1), []string{"a.yaml:1: apiVersion: Source is of apiVersion doorbell.dev/v1alpha1; write that"}},
		{"a Secret of our group", strings.Replace(secret, "v1", "doorbell.dev/v1alpha1", 1), []string{"a.yaml:1: apiVersion: Secret is of apiVersion v1; write that"}},
		{"no metadata", "apiVersion: doorbell.dev/v1alpha1\nkind: Source\n", []string{"a.yaml:1: metadata.name: missing; add it"}},
		{"a generated name", strings.Replace(secret, "name:", "generateName:", 1), []string{"a.yaml:3: metadata.name: missing; add it"}},
		{"a name that is a number", strings.Replace(secret, "name: knock", "name: 12", 1), []string{"a.yaml:3: metadata.name: must hold text only; put numbers and the like in quotes"}},
		{"a bad name and namespace", strings.Replace(secret, "name: knock", "name: Knock, namespace: a.b", 1), []string{
			`a.yaml:3: metadata.name: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (found "Knock")`,
			`a.yaml:3: metadata.namespace: must not contain dots (found "a.b")`,
		}},
		{"a misspelt metadata field", strings.Replace(secret, "name: knock", "name: knock, lables: {}", 1), []string{"a.yaml:3: metadata.lables: unknown field; did you mean labels?"}},
		{"an unknown field", strings.Replace(mapping, "recipients:", "recipient:", 1), []string{
			"a.yaml:8: spec.triggerWorkflow.recipients: missing; add it",
			"a.yaml:10: spec.triggerWorkflow.recipient: unknown field; did you mean recipients?",
		}},
		{"a value that is not supported", strings.Replace(source, "RudderStack", "Rudderstack", 1), []string{
			`a.yaml:5: spec.type: not one of RudderStack, Custom (found "Rudderstack"); did you mean RudderStack?`,
		}},
		{"a boolean where text is wanted", mapping + "    actor: yes\n", []string{
			"a.yaml:11: spec.triggerWorkflow.actor: must be a string, not a boolean; put it in quotes",
		}},
		{"a list where an expression is wanted", strings.Replace(mapping, "body.userId", "[body.userId]", 1), []string{
			"a.yaml:10: spec.triggerWorkflow.recipients: must be a string, not a list; write it as one string, in quotes",
		}},
		{"a value that is empty", strings.Replace(mapping, "event: track/order_completed", "event: ''", 1), []string{
			"a.yaml:7: spec.event: must not be empty",
		}},
		{"a CEL rule", strings.Replace(source, "RudderStack", "Custom", 1), []string{
			"a.yaml:4: spec.eventType: type Custom requires eventType: the expression that yields the type of an event, such as body.type",
		}},
		{"an expression that YAML takes for a tag", strings.Replace(mapping, "  event:", "  when: !body.test\n  event:", 1), []string{
			"a.yaml:7: spec.when: begins with !, which YAML takes for a tag; put the whole value in quotes",
		}},
		{"a condition that is empty", strings.Replace(mapping, "  event:", "  when:\n  event:", 1), []string{
			"warning: a.yaml:7: spec.when: has no value, so it is left out; give it one, or remove it",
		}},
		{"a key that is a boolean to YAML", mapping + "    data: {y: body.y}\n", []string{
			"warning: a.yaml:11: spec.triggerWorkflow.data.true: YAML reads the key y as true; put it in quotes",
		}},
		{"a field given twice", strings.Replace(mapping, "  event:", "  event: identify\n  event:", 1), []string{
			"a.yaml:8: spec.event: given twice, first on line 7; keep one",
		}},
		{"an object given twice", join(secret, secret), []string{
			"a.yaml:8: metadata.name: Secret default/knock is in a.yaml:3 too, and that one is used; rename or remove one",
		}},
		{"a field given twice beside the items of a list", "kind: List\nitems:\n- {kind: Source}\nitems:\n- {kind: Sorce}\n- {}\n", []string{
			"a.yaml:4: items: given twice, first on line 2; keep one",
		}},
		{"Secret data that is not base64", strings.Replace(secret, "stringData", "data", 1), []string{
			"a.yaml:4: data.apiKey: not base64; move the plain text to stringData",
		}},
		{"a Secret's value that is a number", strings.Replace(secret, "sk_test_1", "12", 1), []string{
			"a.yaml:4: stringData.apiKey: must be a string; put it in quotes",
		}},
		{"a Secret's value that ends in a line break", strings.Replace(secret, "stringData: {apiKey: sk_test_1}", "data: {apiKey: c2tfdGVzdAo=}", 1), []string{
			"warning: a.yaml:4: data.apiKey: ends in a line break; encode it with echo -n, or write it on one line",
		}},
		{"a Secret with fields of its own", secret + "apiKey: x\nstringdata: {}\nimmutable: 1\ntype: 1\n", []string{
			"a.yaml:5: apiKey: unknown field; plain text belongs under stringData",
			"a.yaml:6: stringdata: unknown field; did you mean stringData?",
			"a.yaml:7: immutable: must be true or false",
			"a.yaml:8: type: must be a string; put it in quotes",
		}},
		{"a Secret's key that cannot be", strings.Replace(secret, "apiKey", "api/key", 1), []string{
			"a.yaml:4: stringData.api/key: a key consists of letters, digits, -, _ and . only, at most 253 of them",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			begin(t, loader, map[string]string{"a.yaml": tc.text})
			set := loader.Load(t.Context(), folder.Scan([]string{"a.yaml"}))
			var got []string
			for _, problem := range set.Problems {
				got = append(got, mistake(problem))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProblemsNeverShowASecret(t *testing.T) {
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
			set := loader.Load(t.Context(), folder.Scan([]string{"a.yaml"}))
			if len(set.Problems) == 0 {
				t.Error("no problem found")
			}
			for _, problem := range set.Problems {
				if strings.Contains(problem.Error(), value) {
					t.Errorf("the secret is shown: %s", problem.Error())
				}
			}
		})
	}
}

func TestASourceWithMistakesIsToldFromOneThatIsNotThere(t *testing.T) {
	loader := newLoader(t)
	begin(t, loader, map[string]string{"a.yaml": strings.Replace(source, "RudderStack", "PigeonPost", 1)})
	set := loader.Load(t.Context(), folder.Scan([]string{"."}))
	if len(set.Sources) != 0 || !set.HasBrokenSource("default", "rudderstack") {
		t.Errorf("sources %v, want a broken one", set.Sources)
	}
	if set.HasBrokenSource("default", "other") || set.HasBrokenSource("prod", "rudderstack") {
		t.Error("a Source that is nowhere counts as broken")
	}
}
