// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

func source(t *testing.T, spec string) *v1alpha1.Source {
	t.Helper()
	s := &v1alpha1.Source{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: "rudderstack"}}
	if err := yaml.UnmarshalStrict([]byte(spec), &s.Spec); err != nil {
		t.Fatal(err)
	}
	return s
}

func actionMapping(t *testing.T, name, spec string) *v1alpha1.ActionMapping {
	t.Helper()
	m := &v1alpha1.ActionMapping{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: name}}
	if err := yaml.UnmarshalStrict([]byte(spec), &m.Spec); err != nil {
		t.Fatal(err)
	}
	return m
}

const minimal = `{type: RudderStack, knock: {apiKeySecretRef: {name: knock, key: apiKey}}}`

func TestAMinimalSourceHasTheDefaults(t *testing.T) {
	result := compile.Source(source(t, minimal), nil)
	if len(result.Problems) > 0 || result.Program == nil {
		t.Fatalf("got %v", result.Problems)
	}
	doc := result.Document
	if diff := cmp.Diff(document.Knock{BaseURL: "https://api.knock.app"}, doc.Knock); diff != "" {
		t.Error(diff)
	}
	want := document.Delivery{Concurrency: 64, Timeout: 10 * time.Second, RetryFor: 24 * time.Hour}
	if diff := cmp.Diff(want, doc.Delivery); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(document.EventLog{MaxEvents: 10_000, Retention: 168 * time.Hour}, doc.EventLog); diff != "" {
		t.Error(diff)
	}
	if doc.Event.Window != 24*time.Hour || doc.Event.IdempotencyKey != "body.messageId" || doc.Ref() != "production/rudderstack" {
		t.Errorf("got %+v", doc.Event)
	}
	var names []string
	for _, m := range doc.Mappings {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"identify-user", "order-completed"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestEveryFieldOfASourceReachesTheDocument(t *testing.T) {
	result := compile.Source(source(t, `
type: Custom
knock: {apiKeySecretRef: {name: knock, key: apiKey}, baseURL: "https://knock.example.com/", branch: dev}
eventType: body.kind
timestamp: body.at
eventMatching: Exact
idempotency: {key: body.id, window: 1h}
ordering: {key: body.user}
preprocess: [{name: user, value: body.user}]
verification: {hmac: {header: X-Signature, encoding: Hex, prefix: "sha256=", secretRef: {name: s, key: k}}, enforce: false}
delivery: {concurrency: 2, timeout: 5s, retryFor: 0s, rateLimits: {identifyUser: 3}, suspend: true}
eventLog: {maxEvents: 0, retention: 1h, payloads: Omitted, redact: [body.email]}
`), nil)
	want := &document.Document{
		Namespace: "production", Name: "rudderstack", Type: "Custom",
		Knock: document.Knock{BaseURL: "https://knock.example.com", Branch: "dev"},
		Event: document.Event{
			Type: "body.kind", Timestamp: "body.at", Exact: true, IdempotencyKey: "body.id", Window: time.Hour,
			OrderingKey: "body.user", Preprocess: []document.Step{{Name: "user", Value: "body.user"}},
		},
		Verification: &document.Verification{
			Scheme: document.SchemeHMAC, Header: "x-signature", Encoding: "Hex", Prefix: "sha256=",
		},
		Delivery: document.Delivery{
			Concurrency: 2, Timeout: 5 * time.Second, RateLimits: map[string]int32{"identifyUser": 3}, Suspend: true,
		},
		EventLog: document.EventLog{Retention: time.Hour, OmitPayloads: true, Redact: []string{"body.email"}},
	}
	if diff := cmp.Diff(want, result.Document); diff != "" {
		t.Error(diff)
	}
}

func TestAProblemNamesTheMappingAndTheField(t *testing.T) {
	good := actionMapping(t, "good", `{sourceRef: {name: rudderstack}, event: alias, deleteUser: {id: body.previousId}}`)
	for name, tc := range map[string]struct {
		source  string
		mapping *v1alpha1.ActionMapping
		want    []problem.Problem
		runs    bool
	}{
		"an expression with a mistake in a mapping": {
			source:  minimal,
			mapping: actionMapping(t, "bad", "sourceRef: {name: rudderstack}\nevent: alias\ntriggerWorkflow: {workflow: w, recipients: body.userId, data: {x: totl + 1}}"),
			want: []problem.Problem{{Mapping: "bad", Field: "spec.triggerWorkflow.data.x", Message: `line 1, column 1: unknown name "totl": ` +
				"the fields of an event are below body; write body.totl: body.totl + 1", Detail: `unknown name "totl": ` +
				"the fields of an event are below body\n  totl + 1\n  ^\nwrite body.totl: body.totl + 1"}},
			runs: true,
		},
		"a mapping without an action": {
			source: minimal, mapping: actionMapping(t, "bad", "sourceRef: {name: rudderstack}\nevent: a"),
			want: []problem.Problem{{Mapping: "bad", Field: "spec", Message: "no action: add exactly one of " +
				"identifyUser, deleteUser, mergeUser, setObject, deleteObject, setTenant, deleteTenant, subscribe, unsubscribe, " +
				"addAudienceMember, removeAudienceMember, cancelWorkflow, triggerWorkflow"}},
			runs: true,
		},
		"a mapping with two actions": {
			source:  minimal,
			mapping: actionMapping(t, "bad", "{sourceRef: {name: rudderstack}, event: alias, deleteUser: {id: body.a}, deleteTenant: {id: body.b}}"),
			want: []problem.Problem{{Mapping: "bad", Field: "spec", Message: "found the actions deleteUser and deleteTenant: " +
				"a mapping has exactly one action, so write one ActionMapping for each"}},
			runs: true,
		},
		"a mapping that duplicates another": {
			source: minimal, mapping: actionMapping(t, "repeated", `{sourceRef: {name: rudderstack}, event: alias, deleteUser: {id: body.previousId}}`),
			want: []problem.Problem{{Mapping: "repeated", Field: "spec", DuplicateOf: "good", Message: `ActionMapping "good" runs the same action ` +
				"for the same events: delete one of them, or change its event, when or action"}},
			runs: true,
		},
		"an unknown default mapping": {
			source: `{type: RudderStack, knock: {apiKeySecretRef: {name: knock, key: apiKey}}, defaultMappings: [identify]}`,
			want: []problem.Problem{{
				Field: "spec.defaultMappings[0]", Message: `source type RudderStack has no default mapping "identify"; choose from ["identify-user" "order-completed"]`,
			}},
			runs: true,
		},
		"a mistake in a preprocess step, counted without the template's steps": {
			source: `{type: RudderStack, knock: {apiKeySecretRef: {name: knock, key: apiKey}}, preprocess: [{name: a, value: "1"}, {name: b, value: ""}]}`,
			want:   []problem.Problem{{Field: "spec.preprocess[1].value", Message: "the expression is empty; write '' for an empty text"}},
		},
		"a mistake in the event type": {
			source: `{type: Custom, knock: {apiKeySecretRef: {name: knock, key: apiKey}}, eventType: "1"}`,
			want: []problem.Problem{{
				Field: "spec.eventType", Message: "line 1, column 1: this gives an integer; this field needs a string; convert it with string(): string(1)",
				Detail: "this gives an integer; this field needs a string\n  1\n  ^\nconvert it with string(): string(1)",
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			mappings := []*v1alpha1.ActionMapping{good}
			if tc.mapping != nil {
				mappings = append(mappings, tc.mapping)
			}
			result := compile.Source(source(t, tc.source), mappings)
			if diff := cmp.Diff(tc.want, result.Problems); diff != "" {
				t.Error(diff)
			}
			if (result.Program != nil) != tc.runs {
				t.Errorf("runs: %v, want %v", result.Program != nil, tc.runs)
			}
			for _, m := range result.Document.Mappings {
				if m.Name == "bad" {
					t.Error("the document contains a mapping that does not compile")
				}
			}
		})
	}
}

func TestEqualResourcesHaveEqualVersions(t *testing.T) {
	a, b := compile.Source(source(t, minimal), nil), compile.Source(source(t, minimal), nil)
	if a.Document.Version() != b.Document.Version() {
		t.Error("the versions of equal resources differ")
	}
	c := compile.Source(source(t, minimal), []*v1alpha1.ActionMapping{
		actionMapping(t, "m", `{sourceRef: {name: rudderstack}, event: alias, deleteUser: {id: body.previousId}}`),
	})
	if a.Document.Version() == c.Document.Version() {
		t.Error("another mapping does not change the version")
	}
}
