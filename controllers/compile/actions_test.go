// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/compile"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// apiActions returns the action fields of ActionMappingSpec by JSON name, and the names in the order of the fields.
func apiActions() (fields map[string]reflect.StructField, names []string) {
	fields = map[string]reflect.StructField{}
	for field := range reflect.TypeFor[v1alpha1.ActionMappingSpec]().Fields() {
		if field.Type.Kind() == reflect.Pointer && field.Type.Elem().Kind() == reflect.Struct {
			name := jsonName(field)
			fields[name], names = field, append(names, name)
		}
	}
	return fields, names
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func tableNames() []string {
	var names []string
	for _, name := range mapping.ActionNames() {
		names = append(names, string(name))
	}
	return names
}

// The operator compiles what the API accepts, so the API and the table must have the same actions. The API documents that
// its fields are in running order.
func TestTheAPIAndTheTableHaveTheSameActionsInTheSameOrder(t *testing.T) {
	fields, inAPI := apiActions()
	for _, name := range tableNames() {
		if _, known := fields[name]; !known {
			upper := strings.ToUpper(name[:1]) + name[1:]
			t.Errorf("api/v1alpha1/actionmapping_types.go: add the line to ActionMappingSpec: %s *%s `json:%q`", upper, upper, name+",omitempty")
		}
	}
	for _, name := range inAPI {
		if !slices.Contains(tableNames(), name) {
			t.Errorf("ingest/mapping/actions.go: add a line for %q to the table of actions", name)
		}
	}
	if !t.Failed() && !slices.Equal(inAPI, tableNames()) {
		t.Errorf("the API has its actions in the order %v, the table in the order %v", inAPI, tableNames())
	}
}

// The API's validation rules list the names of the actions. Go types cannot express that, so this test compares the
// markers with the table.
func TestTheRulesOfTheAPIListEveryAction(t *testing.T) {
	names := tableNames()
	limits := append(slices.Clone(names), string(knock.BulkIdentify))
	last := len(names) - 1
	source, err := os.ReadFile("../../api/v1alpha1/actionmapping_types.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"[has(self." + strings.Join(names, "), has(self.") + ")].exists(found, found)",
		"message=\"no action: add exactly one of " + strings.Join(names[:last], ", ") + " and " + names[last] + "\"",
		"[has(self." + strings.Join(names, "), has(self.") + ")].filter(found, found).size() <= 1",
		strings.Join(namedIfSet(names), " + "),
		"self.all(k, k in ['" + strings.Join(limits, "', '") + "'])",
		fmt.Sprintf("+kubebuilder:validation:MaxProperties=%d\n", len(limits)),
	} {
		if !strings.Contains(string(source), line) {
			t.Errorf("api/v1alpha1/actionmapping_types.go does not contain: %s", line)
		}
	}
}

// namedIfSet returns CEL expressions that yield the name of an action if a mapping has the action.
func namedIfSet(names []string) []string {
	expressions := make([]string, len(names))
	for i, name := range names {
		expressions[i] = fmt.Sprintf(`(has(self.%s) ? " %s" : "")`, name, name)
	}
	return expressions
}

// completeSpec returns an ActionMapping in which every field of one action is set.
func completeSpec(t *testing.T, action reflect.StructField) *v1alpha1.ActionMapping {
	t.Helper()
	parameters := map[string]any{}
	for field := range action.Type.Elem().Fields() {
		switch field.Type.Kind() {
		case reflect.String:
			parameters[jsonName(field)] = valueFor(jsonName(field))
		case reflect.Bool:
			parameters[jsonName(field)] = true
		case reflect.Map:
			parameters[jsonName(field)] = map[string]string{}
		default:
			t.Fatalf("%s.%s: the test has no value for a %s", action.Name, field.Name, field.Type)
		}
	}
	encoded, err := json.Marshal(map[string]any{"event": "alias", jsonName(action): parameters})
	if err != nil {
		t.Fatal(err)
	}
	m := &v1alpha1.ActionMapping{ObjectMeta: metav1.ObjectMeta{Namespace: "production", Name: "m"}}
	if err := json.Unmarshal(encoded, &m.Spec); err != nil {
		t.Fatal(err)
	}
	return m
}

// valueFor returns a value for a parameter: an object for "…From" parameters, a literal for the keys of collections,
// audiences and workflows, and the expression of an ID for all others.
func valueFor(parameter string) string {
	switch {
	case strings.HasSuffix(parameter, "From"):
		return "body.nothing"
	case slices.Contains([]string{"collection", "audience", "workflow"}, parameter):
		return "x"
	case parameter == "createdAt":
		return "'2026-01-02T03:04:05Z'"
	default:
		return "'x'"
	}
}

// Every action must work from the resource to Knock. If a new action fails here, the message says which of its places is
// missing.
func TestEveryActionReachesAnEndpointOfKnock(t *testing.T) {
	fields, names := apiActions()
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			fake := knocktest.New(t)
			client := knock.New(knock.Config{BaseURL: fake.URL, APIKey: func() string { return knocktest.APIKey }})
			for _, request := range planOf(t, completeSpec(t, fields[name])) {
				if request.Endpoint.RetryRule() == 0 || !slices.Contains(knock.Endpoints(), request.Endpoint) {
					t.Errorf("ingest/knock/endpoint.go: the endpoint %q has no rate or no retry rule", request.Endpoint)
				}
				_, err := client.Do(t.Context(), request)
				if calls := fake.Calls(); calls[len(calls)-1].Endpoint != request.Endpoint {
					t.Errorf("ingest/knock/knocktest/route.go: no route for %q at %s %s: %v", request.Endpoint, request.Method, request.Path, err)
				}
			}
		})
	}
}

// planOf compiles a mapping with every field of its action and returns its requests for an event.
func planOf(t *testing.T, m *v1alpha1.ActionMapping) []knock.Request {
	t.Helper()
	result := compile.Source(source(t, minimal), []*v1alpha1.ActionMapping{m})
	for _, problem := range result.Problems {
		t.Errorf("ingest/mapping/actions.go: %v", problem)
	}
	e := &event.Event{ID: "1", Body: []byte(`{"type":"alias"}`)}
	if err := result.Program.Identify(e, nil); err != nil {
		t.Fatal(err)
	}
	var requests []knock.Request
	for _, action := range result.Program.Plan(e).Actions {
		if action.Skipped != "" {
			t.Errorf("skipped: %s", action.Skipped)
		}
		requests = append(requests, action.Requests...)
	}
	if len(requests) == 0 {
		t.Error("the action makes no call")
	}
	return requests
}
