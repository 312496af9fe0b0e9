// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// complete returns all parameters of every action, with values from body.a to body.f.
func complete() map[document.ActionName]string {
	return map[document.ActionName]string{
		"identifyUser": `"id":"body.a","name":"body.b","email":"body.c","phoneNumber":"body.d","avatar":"body.e","locale":"body.f",
			"timezone":"body.b","createdAt":"body.c","propertiesFrom":"body","properties":{"p":"body.d","name":"body.e"}`,
		"deleteUser":           `"id":"body.a"`,
		"mergeUser":            `"id":"body.a","fromUserID":"body.b"`,
		"setObject":            `"collection":"=body.b","id":"body.a","name":"body.c","propertiesFrom":"body.d","properties":{"p":"preprocess.merged"}`,
		"deleteObject":         `"collection":"=body.b","id":"body.a"`,
		"setTenant":            `"id":"body.a","name":"body.b","propertiesFrom":"preprocess.merged","properties":{"p":"body.c"},"settings":{"s":"body.d"}`,
		"deleteTenant":         `"id":"body.a"`,
		"subscribe":            `"collection":"=body.b","id":"body.a","recipients":"body.c","propertiesFrom":"body.d","properties":{"p":"body.e"}`,
		"unsubscribe":          `"collection":"=body.b","id":"body.a","recipients":"body.c"`,
		"addAudienceMember":    `"audience":"=body.b","members":"body.c","tenant":"body.a","createAudience":true`,
		"removeAudienceMember": `"audience":"=body.b","members":"body.c","tenant":"body.a"`,
		"cancelWorkflow":       `"workflow":"=body.b","cancellationKey":"body.a","recipients":"body.c"`,
		"triggerWorkflow": `"workflow":"=body.b","recipients":"body.c","actor":"body.d","tenant":"body.e","cancellationKey":"body.a",
			"dataFrom":"preprocess.merged","data":{"d":"body.f"},"settings":{"s":"body.f"}`,
	}
}

// calls returns the only form of method and path that each action may have. An ID is everything between two slashes,
// and contains no character that a server could read as more than a part of the ID.
func calls() map[document.ActionName]*regexp.Regexp {
	const id = `(?:%[0-9A-F]{2}|[A-Za-z0-9_.~$&:=@!'()*,;-])+`
	forms := map[document.ActionName]string{
		"identifyUser":         "PUT /v1/users/" + id,
		"deleteUser":           "DELETE /v1/users/" + id,
		"mergeUser":            "POST /v1/users/" + id + "/merge",
		"setObject":            "PUT /v1/objects/" + id + "/" + id,
		"deleteObject":         "DELETE /v1/objects/" + id + "/" + id,
		"setTenant":            "PUT /v1/tenants/" + id,
		"deleteTenant":         "DELETE /v1/tenants/" + id,
		"subscribe":            "POST /v1/objects/" + id + "/" + id + "/subscriptions",
		"unsubscribe":          "DELETE /v1/objects/" + id + "/" + id + "/subscriptions",
		"addAudienceMember":    "POST /v1/audiences/" + id + "/members[?]create_audience=true",
		"removeAudienceMember": "DELETE /v1/audiences/" + id + "/members",
		"cancelWorkflow":       "POST /v1/workflows/" + id + "/cancel",
		"triggerWorkflow":      "POST /v1/workflows/" + id + "/trigger",
	}
	compiled := map[document.ActionName]*regexp.Regexp{}
	for action, form := range forms {
		compiled[action] = regexp.MustCompile("^" + form + "$")
	}
	return compiled
}

var (
	dotSegment = regexp.MustCompile(`/(?:[.]|%2[eE]){1,2}(?:/|[?]|$)`)
	separator  = regexp.MustCompile(`%(?:2[fF3]|[01][0-9A-F]|7F)`) // an escaped slash, # or control character
)

func completeProgram(t testing.TB) *mapping.Program {
	t.Helper()
	var mappings []string
	for action, parameters := range complete() {
		mappings = append(mappings, fmt.Sprintf(`{"name":%q,"event":"*","action":%q,"parameters":{%s}}`, action, action, parameters))
	}
	doc := custom(t, mappings...)
	doc.Event.Type = "headers.x-type"
	doc.Event.Preprocess = []document.Step{{Name: "merged", Value: "merge(body.?d, body.?e)"}}
	return compile(t, doc)
}

// The test plans arbitrary bodies with every action. Nothing panics, each call has the form of its action, each body is
// one JSON object, and planning the same event twice gives the same plan.
func FuzzNoEventReachesAnotherEndpoint(f *testing.F) {
	for _, seed := range []string{
		`{}`, sample, `{"a":"u","b":"c","c":["r",{"id":1},{"collection":"c","id":"o"}],"d":{"x":1,"id":"y"},"e":{"id":"t"},"f":true}`,
		`{"a":"../workflows/x/trigger","b":"..","c":[{"id":"a"},"a"],"d":null,"e":"","f":1.0}`, `{"a":"a?b=c","b":"%2e%2E","c":" r ","d":{"\u0069d":1},"e":7}`,
		`{"a":"\ud800","b":"\u0000","c":{"id":"\u2028","name":"\\"},"a":-0,"d":{"a":{"b":[]}}}`, `{"a":1e400,"b":99999999999999999999,"c":[]}`, `{"b":"w","c":"r","a":true}`,
		`{ "a" : "é+ \"" , "b" : "b;c" , "c" : [ "x" , "x" ] , "d" : { "created_at" : 1 , "settings" : 2 } }`,
	} {
		f.Add(seed)
	}
	program, forms := completeProgram(f), calls()
	f.Fuzz(func(t *testing.T, body string) {
		events, err := event.Split([]byte(body), nil)
		if err != nil {
			return
		}
		e := &event.Event{ID: "evt", Body: events[0], Headers: map[string]string{"x-type": "e"}}
		if err := program.Identify(e, nil); err != nil {
			t.Fatal(err)
		}
		plan := program.Plan(e)
		if len(plan.Actions) != len(forms) {
			t.Errorf("%d actions", len(plan.Actions))
		}
		for _, action := range plan.Actions {
			if (action.Skipped == "") != (len(action.Requests) > 0) {
				t.Errorf("%s: %d requests, skipped %q", action.Name, len(action.Requests), action.Skipped)
			}
			for _, request := range action.Requests {
				checkRequest(t, action, request, forms[action.Name])
			}
		}
		if diff := cmp.Diff(plan, program.Plan(e)); diff != "" {
			t.Errorf("a second plan differs: %s", diff)
		}
	})
}

func checkRequest(t *testing.T, action mapping.Action, request knock.Request, form *regexp.Regexp) {
	t.Helper()
	call := request.Method + " " + request.Path
	if !form.MatchString(call) || dotSegment.MatchString(call) || separator.MatchString(call) || string(request.Endpoint) != string(action.Name) {
		t.Errorf("%s calls %s as %s", action.Name, call, request.Endpoint)
	}
	if (request.IdempotencyKey != "") != (action.Name == "triggerWorkflow") {
		t.Errorf("%s has the idempotency key %q", action.Name, request.IdempotencyKey)
	}
	if request.Body == nil && request.Method == "DELETE" {
		return
	}
	// The body of an event has at most 100 nested levels, and a request adds at most four.
	if err := rawjson.Validate(request.Body, 104); err != nil || request.Body[0] != '{' {
		t.Errorf("%s sends %s: %v", call, request.Body, err)
	}
}
