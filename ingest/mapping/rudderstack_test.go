// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

func TestRudderStackEventsHaveTheseTypesAndKeys(t *testing.T) {
	program := compile(t, rudderStack(t))
	for name, tc := range map[string]struct{ body, want string }{
		"identify":                          {`{"type":"identify","userId":"u","messageId":"m"}`, "identify|m|u"},
		"track with a name":                 {`{"type":"track","event":"Order Completed","userId":"u","messageId":"m"}`, "track/Order Completed|m|u"},
		"track without a name":              {`{"type":"track","userId":"u"}`, "track||u"},
		"track with a numeric name":         {`{"type":"track","event":7,"userId":"u"}`, "track||u"},
		"page with a name":                  {`{"type":"page","name":"Home","userId":"u"}`, "page/Home||u"},
		"page with an empty name":           {`{"type":"page","name":"","userId":"u"}`, "page||u"},
		"an identify of an old Android SDK": {`{"type":"identify","event":"identify","userId":"u"}`, "identify||u"},
		"an anonymous user":                 {`{"type":"alias","userId":"","anonymousId":"a"}`, "alias||a"},
		"a null user":                       {`{"type":"alias","userId":null,"anonymousId":"a"}`, "alias||a"},
		"a numeric user":                    {`{"type":"group","userId":9007199254740993}`, "group||9007199254740993"},
		"no user, with a key":               {`{"type":"group","messageId":"m"}`, "group|m|m"},
		"no user and no key":                {`{"type":"group"}`, "group||evt"},
		"a key that is a number":            {`{"type":"group","messageId":5,"userId":"u"}`, "group||u"},
		"a key of 255 characters":           {`{"type":"group","userId":"u","messageId":"` + strings.Repeat("é", 255) + `"}`, "group|" + strings.Repeat("é", 255) + "|u"},
		"a key of 256 characters":           {`{"type":"group","userId":"u","messageId":"` + strings.Repeat("a", 256) + `"}`, "group||u"},
		"a user that is an object":          {`{"type":"group","userId":{},"messageId":"m"}`, "group|m|m"},
	} {
		t.Run(name, func(t *testing.T) {
			e := identified(t, program, tc.body)
			if diff := cmp.Diff(tc.want, e.Type+"|"+e.Key+"|"+e.OrderingKey); diff != "" {
				t.Error(diff)
			}
		})
	}
	for body, want := range map[string]string{
		`{}`:            "body.type is not in the event; body is empty",
		`{"type":null}`: "it is null, not a string",
		`{"type":3}`:    "it is a number, not a string",
		`{"type":""}`:   "it is empty",
	} {
		err := program.Identify(&event.Event{Body: []byte(body)}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestRudderStackDefaultMappingsMakeTheseCalls(t *testing.T) {
	program := compile(t, rudderStack(t))
	for name, tc := range map[string]struct{ body, want string }{
		"traits replace context.traits": {
			`{"type":"identify","userId":"u 1","traits":{"name":"Top","x":1.0},"context":{"traits":{"name":"Ctx","email":"e@x","big":9007199254740993},"locale":"en","timezone":"UTC"}}`,
			`PUT /v1/users/u%201 {"big":9007199254740993,"x":1.0,"name":"Top","email":"e@x","locale":"en","timezone":"UTC"}`,
		},
		"the name is made of the first and last name": {
			`{"type":"identify","userId":"u","traits":{"firstName":"Ada","lastName":"Park"}}`,
			`PUT /v1/users/u {"firstName":"Ada","lastName":"Park","name":"Ada Park"}`,
		},
		"a first name only": {
			`{"type":"identify","userId":"u","traits":{"firstName":"Ada","lastName":7}}`,
			`PUT /v1/users/u {"firstName":"Ada","lastName":7,"name":"Ada"}`,
		},
		"createdAt that is an RFC 3339 time": {
			`{"type":"identify","userId":"u","traits":{"createdAt":"2026-01-02T03:04:05.6+01:00"}}`,
			`PUT /v1/users/u {"created_at":"2026-01-02T03:04:05.6+01:00"}`,
		},
		"invalid traits are omitted with a note": {
			`{"type":"identify","userId":7,"traits":{"email":42,"createdAt":"Thu Mar 24 2016","id":"evil","preferences":{},"channel_data":{},"created_at":1,"name":["x"],"ok":null}}`,
			"PUT /v1/users/7 {\"ok\":null}\n" +
				"note id omitted: Knock reserves this name\nnote preferences omitted: Knock reserves this name\n" +
				"note channel_data omitted: Knock reserves this name\nnote created_at omitted: Knock reserves this name\n" +
				"note name omitted: it is a list, not a string\nnote email omitted: it is a number, not a string\n" +
				"note createdAt omitted: it is not an RFC 3339 time",
		},
		"traits and a context that is not an object": {
			`{"type":"identify","userId":"u","traits":{"plan":"pro"},"context":"x"}`, `PUT /v1/users/u {"plan":"pro"}`,
		},
		"traits that are not an object": {
			`{"type":"identify","userId":"u","traits":"x","context":[]}`, `PUT /v1/users/u {}`,
		},
		"an anonymous identify is skipped": {
			`{"type":"identify","userId":"","anonymousId":"a"}`,
			"skipped id: body.userId is empty",
		},
		"an ID that would change the path": {
			`{"type":"identify","userId":"../workflows/x"}`, `skipped user ID contains "/" or "#", which Knock does not accept`,
		},
		"an order": {
			`{"type":"track","event":"Order Completed","userId":"u","messageId":"m","properties":{"total":1.50,"a":[]}}`,
			`POST /v1/workflows/order-completed/trigger {"recipients":["u"],"data":{"total":1.50,"a":[]}} key`,
		},
		"an order without properties": {
			`{"type":"track","event":"order-completed","userId":12}`,
			`POST /v1/workflows/order-completed/trigger {"recipients":["12"],"data":{}} key` + "\nnote data is empty: body.properties is not in the event",
		},
		"an order whose properties are a list": {
			`{"type":"track","event":"orderCompleted","userId":"u","properties":[1]}`,
			`skipped dataFrom: body.properties is a list, not an object`,
		},
		"another event": {
			`{"type":"track","event":"Order Updated","userId":"u"}`, `no mapping for "track/Order Updated"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, describe(program.Plan(identified(t, program, tc.body)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// describe returns a plan as text, one line for each request, reason or note.
func describe(plan mapping.Plan) string {
	if plan.Reason != "" {
		return plan.Reason
	}
	var lines []string
	for _, action := range plan.Actions {
		if action.Skipped != "" {
			lines = append(lines, "skipped "+action.Skipped)
		}
		for _, r := range action.Requests {
			line := strings.TrimSpace(r.Method + " " + r.Path + " " + string(r.Body))
			if r.IdempotencyKey != "" {
				line += " key"
			}
			lines = append(lines, line)
		}
		for _, note := range action.Notes {
			lines = append(lines, "note "+note)
		}
	}
	for _, note := range plan.Notes {
		lines = append(lines, "note "+note)
	}
	return strings.Join(lines, "\n")
}

// The test plans an identify event and, if the environment variable DOORBELL_RUDDER_PAYLOADS names a file, every event
// in it. The file has one body in each line.
func TestEventsOfIdentifiedUsersAreNotSkipped(t *testing.T) {
	program := compile(t, rudderStack(t))
	bodies := []string{`{"type":"identify","userId":"u"}`}
	if path := os.Getenv("DOORBELL_RUDDER_PAYLOADS"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, strings.Split(strings.TrimSpace(string(data)), "\n")...)
	}
	for _, body := range bodies {
		events, err := event.Split([]byte(body), nil)
		if err != nil {
			t.Fatal(err)
		}
		e := identified(t, program, string(events[0]))
		for _, action := range program.Plan(e).Actions {
			if action.Skipped != "" && strings.Contains(body, `"userId":"`) && !strings.Contains(body, `"userId":""`) {
				t.Errorf("%s: %s skipped: %s", e.Type, action.Mapping, action.Skipped)
			}
		}
	}
}
