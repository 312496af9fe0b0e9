// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// minimal returns the required parameters of every action.
func minimal() map[document.ActionName]string {
	return map[document.ActionName]string{
		"identifyUser":         `"id":"'i'"`,
		"deleteUser":           `"id":"'i'"`,
		"mergeUser":            `"id":"'i'","fromUserID":"'f'"`,
		"setObject":            `"collection":"c","id":"'i'"`,
		"deleteObject":         `"collection":"c","id":"'i'"`,
		"setTenant":            `"id":"'i'"`,
		"deleteTenant":         `"id":"'i'"`,
		"subscribe":            `"collection":"c","id":"'i'","recipients":"'r'"`,
		"unsubscribe":          `"collection":"c","id":"'i'","recipients":"'r'"`,
		"addAudienceMember":    `"audience":"a","members":"'r'"`,
		"removeAudienceMember": `"audience":"a","members":"'r'"`,
		"cancelWorkflow":       `"workflow":"w","cancellationKey":"'k'"`,
		"triggerWorkflow":      `"workflow":"w","recipients":"'r'"`,
	}
}

func TestTheRunningOrderDoesNotDependOnTheOrderInTheDocument(t *testing.T) {
	var mappings, want []string
	for i, action := range mapping.ActionNames() {
		// The names are in the reverse order of the actions. The event patterns are of both kinds.
		second, first := fmt.Sprintf("%c2", 'z'-i), fmt.Sprintf("%c1", 'z'-i)
		for name, pattern := range map[string]string{second: "e", first: "*"} {
			mappings = append(mappings, fmt.Sprintf(`{"name":%q,"event":%q,"action":%q,"parameters":{%s}}`, name, pattern, action, minimal()[action]))
		}
		want = append(want, string(action)+" "+first, string(action)+" "+second)
	}
	for range 2 {
		slices.Reverse(mappings)
		var got []string
		for _, action := range planned(t, `{"type":"e"}`, mappings...).Actions {
			if action.Skipped != "" || len(action.Requests) != 1 || string(action.Requests[0].Endpoint) != string(action.Name) {
				t.Errorf("%+v", action)
			}
			got = append(got, string(action.Name)+" "+action.Mapping)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestASkippedActionDoesNotStopTheOthers(t *testing.T) {
	got := describe(planned(t, `{"type":"e"}`,
		mapped("identifyUser", `"id":"body.nope"`),
		mapped("deleteUser", `"id":"'u'"`, `"when":"1 / 0 == 1"`),
		mapped("deleteTenant", `"id":"'t'"`)))
	want := "skipped id: body.nope is not in the event; body has no nope, only type\nskipped when: division by zero\nDELETE /v1/tenants/t"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInactiveMappingsDoNotRun(t *testing.T) {
	active := mapped("deleteTenant", `"id":"'t'"`)
	inactive := mapped("deleteUser", `"id":"'u'"`, `"inactive":true`)
	anything := `{"name":"p","event":"*","action":"deleteUser","inactive":true,"parameters":{"id":"'u'"}}`
	for name, tc := range map[string]struct {
		mappings []string
		want     string
	}{
		"no mapping":                            {nil, `no mapping for "e"`},
		"no mapping for this type":              {[]string{`{"name":"p","event":"f*","action":"deleteUser","parameters":{"id":"'u'"}}`}, `no mapping for "e"`},
		"an inactive mapping":                   {[]string{inactive}, `no active mapping for "e"`},
		"an inactive mapping with a prefix":     {[]string{anything}, `no active mapping for "e"`},
		"an active mapping among inactive ones": {[]string{inactive, active, anything}, "DELETE /v1/tenants/t"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, describe(planned(t, `{"type":"e"}`, tc.mappings...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFailedPreprocessStepGetsANote(t *testing.T) {
	doc := custom(t, mapped("deleteUser", `"id":"preprocess.id"`))
	doc.Event.Preprocess = []document.Step{
		{Name: "id", Value: "'u' + body.suffix"}, {Name: "bad", Value: "body.suffix + 1"}, {Name: "gone", Value: "preprocess.bad"},
	}
	program := compile(t, doc)
	for body, want := range map[string]string{
		`{"type":"e","suffix":"1"}`: "DELETE /v1/users/u1\nnote preprocess bad: body.suffix + 1: cannot add a string and an integer; convert one with string(), int() or double()\nnote preprocess gone: preprocess.bad is not in the event; the preprocess step bad gave no value",
		`{"type":"e"}`: "skipped id: preprocess.id is not in the event; the preprocess step id gave no value\nnote preprocess id: body.suffix is not in the event; body has no suffix, only type\n" +
			"note preprocess bad: body.suffix is not in the event; body has no suffix, only type\nnote preprocess gone: preprocess.bad is not in the event; the preprocess step bad gave no value",
	} {
		if diff := cmp.Diff(want, describe(program.Plan(identified(t, program, body)))); diff != "" {
			t.Error(diff)
		}
	}
}

func TestMappingsCanReadHeaders(t *testing.T) {
	doc := custom(t, mapped("triggerWorkflow", `"workflow":"= headers.x-topic","recipients":"headers['x-user']","data":{"h":"headers"}`))
	doc.Event.Type = "headers.x-type"
	program := compile(t, doc)
	e := &event.Event{ID: "1", Body: []byte(`{}`), Headers: map[string]string{"x-type": "e", "x-topic": "w", "x-user": "u"}}
	if err := program.Identify(e, nil); err != nil {
		t.Fatal(err)
	}
	want := `POST /v1/workflows/w/trigger {"recipients":["u"],"data":{"h":{"x-topic":"w","x-type":"e","x-user":"u"}}} key`
	if diff := cmp.Diff(want, describe(program.Plan(e))); diff != "" {
		t.Error(diff)
	}
}
