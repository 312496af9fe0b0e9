// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/problem"
)

// linesOf returns problems as text, one line for each.
func linesOf(problems []problem.Problem) (lines []string) {
	for _, p := range problems {
		line := fmt.Sprintf("%s: %v", p.Mapping, p)
		if p.Warning {
			line = "warning " + line
		}
		if p.Default {
			line = "default " + line
		}
		lines = append(lines, line)
	}
	return lines
}

func TestAMistakeInAMappingIsReportedAndTheOthersRun(t *testing.T) {
	for name, tc := range map[string]struct {
		mapping string
		want    []string
	}{
		"an expression that does not parse": {
			mapped("deleteUser", `"id":"'a' +"`), []string{"m: spec.deleteUser.id: line 1, column 6: the expression ends too early: a value is missing after +"},
		},
		"a mistake in the second line of an expression": {
			mapped("triggerWorkflow", `"workflow":"w","recipients":"body.a ||\n  bdy.b"`),
			[]string{`m: spec.triggerWorkflow.recipients: line 2, column 3: unknown name "bdy"; write body`},
		},
		"an ID that is a boolean": {
			mapped("deleteUser", `"id":"body.a == 1"`), []string{"m: spec.deleteUser.id: line 1, column 1: this gives a boolean; an id is a string or an integer"},
		},
		"a text that is an integer": {
			mapped("identifyUser", `"id":"'u'","name":"5"`), []string{"m: spec.identifyUser.name: line 1, column 1: this gives an integer; this field needs a string; convert it with string(): string(5)"},
		},
		"a list instead of an object": {
			mapped("setTenant", `"id":"'t'","propertiesFrom":"[1]"`),
			[]string{"m: spec.setTenant.propertiesFrom: line 1, column 1: this gives a list; this field needs an object"},
		},
		"recipients that are a boolean": {
			mapped("subscribe", `"collection":"c","id":"'o'","recipients":"true"`),
			[]string{"m: spec.subscribe.recipients: line 1, column 1: this gives a boolean; this field needs an id, an object with an id, or a list of them"},
		},
		"a mistake in one field of a map": {
			mapped("triggerWorkflow", `"workflow":"w","recipients":"'r'","data":{"ok":"body.a","total":"body.a +"}`),
			[]string{"m: spec.triggerWorkflow.data.total: line 1, column 9: the expression ends too early: a value is missing after +"},
		},
		"a condition that is a string": {
			mapped("deleteUser", `"id":"'u'"`, `"when":"body.a + 'x'"`),
			[]string{"m: spec.when: line 1, column 1: this gives a string; a condition needs a boolean"},
		},
		"a mistake in an expression after =": {
			mapped("deleteObject", `"collection":"= bdy.c","id":"'o'"`),
			[]string{`m: spec.deleteObject.collection: line 1, column 1: unknown name "bdy"; write body: body.c`},
		},
		"an empty expression after =": {
			mapped("deleteObject", `"collection":"= ","id":"'o'"`), []string{"m: spec.deleteObject.collection: the expression is empty; write '' for an empty text"},
		},
		"an empty field of a map": {
			mapped("setTenant", `"id":"'t'","properties":{"p":""}`), []string{"m: spec.setTenant.properties.p: the expression is empty; write '' for an empty text"},
		},
		"a literal key with a slash": {
			mapped("triggerWorkflow", `"workflow":"a/b","recipients":"'r'"`), []string{`m: spec.triggerWorkflow.workflow: "a/b" contains "/" or "#", which Knock does not accept`},
		},
		"a literal key that is two dots": {
			mapped("addAudienceMember", `"audience":"..","members":"'r'"`), []string{`m: spec.addAudienceMember.audience: ".." is "..", which has a special meaning in a URL`},
		},
		"missing parameters": {
			mapped("triggerWorkflow", ``), []string{"m: spec.triggerWorkflow.workflow: required", "m: spec.triggerWorkflow.recipients: required"},
		},
		"empty parameters": {
			mapped("triggerWorkflow", `"workflow":"","recipients":"","tenant":""`), []string{"m: spec.triggerWorkflow.workflow: required", "m: spec.triggerWorkflow.recipients: required"},
		},
		"a cancellation without its key": {
			mapped("cancelWorkflow", `"workflow":"w","recipients":"'r'"`), []string{"m: spec.cancelWorkflow.cancellationKey: required"},
		},
		"unknown parameters": {
			mapped("deleteUser", `"id":"'u'","zone":"'z'","name":"'n'","data":{}`),
			[]string{"m: spec.deleteUser.data: deleteUser has no parameter \"data\"", "m: spec.deleteUser.name: deleteUser has no parameter \"name\"", "m: spec.deleteUser.zone: deleteUser has no parameter \"zone\""},
		},
		"an unknown action": {mapped("sendEmail", `"to":"'u'"`), []string{`m: spec.action: unknown action "sendEmail"`}},
		"no event":          {`{"name":"m","action":"deleteUser","parameters":{"id":"'u'"}}`, []string{"m: spec.event: required: write an event type, such as track/order_completed, or a prefix and *, such as track/*"}},
		"several mistakes in one mapping": {
			`{"name":"m","action":"deleteUser","when":"1","parameters":{"x":"y"}}`,
			[]string{
				"m: spec.when: line 1, column 1: this gives an integer; a condition needs a boolean", "m: spec.event: required: write an event type, such as track/order_completed, or a prefix and *, such as track/*",
				"m: spec.deleteUser.id: required", "m: spec.deleteUser.x: deleteUser has no parameter \"x\"",
			},
		},
		"a mistake in an inactive mapping": {
			mapped("deleteUser", `"id":"'a' +"`, `"inactive":true`), []string{"m: spec.deleteUser.id: line 1, column 6: the expression ends too early: a value is missing after +"},
		},
		"a mistake in a default mapping": {mapped("deleteUser", ``, `"default":true`), []string{"default m: spec.deleteUser.id: required"}},
	} {
		t.Run(name, func(t *testing.T) {
			valid := `{"name":"valid","event":"e","action":"deleteTenant","parameters":{"id":"'t'"}}`
			program, problems := mapping.Compile(custom(t, tc.mapping, valid))
			if diff := cmp.Diff(tc.want, linesOf(problems)); diff != "" {
				t.Error(diff)
			}
			got := describe(program.Plan(identified(t, program, `{"type":"e"}`)))
			if diff := cmp.Diff("DELETE /v1/tenants/t", got); diff != "" {
				t.Errorf("the other mapping does not run: %s", diff)
			}
		})
	}
}

func TestAWarningDoesNotStopAMapping(t *testing.T) {
	doc := custom(t, mapped("deleteUser", `"id":"body.total-body"`))
	program, problems := mapping.Compile(doc)
	want := []string{"warning m: spec.deleteUser.id: this is a path with a segment named total-body; to subtract, put spaces around the minus sign"}
	if diff := cmp.Diff(want, linesOf(problems)); diff != "" {
		t.Error(diff)
	}
	got := describe(program.Plan(identified(t, program, `{"type":"e","total-body":"u"}`)))
	if diff := cmp.Diff("DELETE /v1/users/u", got); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesInTheSourceLeaveNoProgram(t *testing.T) {
	for name, tc := range map[string]struct {
		event document.Event
		want  []string
	}{
		"no event type": {document.Event{}, []string{": spec.eventType: required: write an expression that returns the event type, such as body.type"}},
		"an event type with a syntax error": {
			document.Event{Type: "body.a +"}, []string{": spec.eventType: line 1, column 9: the expression ends too early: a value is missing after +"},
		},
		"an event type that is an integer": {
			document.Event{Type: "1"}, []string{": spec.eventType: line 1, column 1: this gives an integer; this field needs a string; convert it with string(): string(1)"},
		},
		"all other expressions": {
			document.Event{
				Type: "body.type", IdempotencyKey: "a", OrderingKey: "[1]", Timestamp: "true",
				Preprocess: []document.Step{{Name: "ok", Value: "1"}, {Name: "empty"}, {Name: "b", Value: "body.b +"}},
			},
			[]string{
				`: spec.idempotency.key: line 1, column 1: unknown name "a": text needs quotes, and the fields of an event are below body; ` +
					`in YAML write "'a'", because YAML removes the outer quotes; the expression is then: 'a'`,
				": spec.ordering.key: line 1, column 1: this gives a list; an id is a string or an integer",
				": spec.timestamp: line 1, column 1: this gives a boolean; this field needs a string; convert it with string(): string(true)",
				": spec.preprocess[1].value: the expression is empty; write '' for an empty text",
				": spec.preprocess[2].value: line 1, column 9: the expression ends too early: a value is missing after +",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			doc := custom(t, mapped("deleteUser", ``))
			doc.Event = tc.event
			program, problems := mapping.Compile(doc)
			if diff := cmp.Diff(tc.want, linesOf(problems)); diff != "" || program != nil {
				t.Errorf("a program: %v; %s", program != nil, diff)
			}
		})
	}
}

func TestEventsOfACustomSourceHaveTheseTypesAndKeys(t *testing.T) {
	doc := custom(t)
	doc.Event.Timestamp = "body.at"
	program := compile(t, doc)
	const longHash = "a43c19666f3e60c1c47cdffe0e453df49a3b03b3a25c8097971a092e1da82d9b" // SHA-256 of 256 times "l"
	doc.Event.IdempotencyKey, doc.Event.OrderingKey, doc.Event.Timestamp = "", "", ""
	bare := compile(t, doc)
	for name, tc := range map[string]struct {
		program    *mapping.Program
		body, want string
	}{
		"all fields":                      {program, `{"type":"e","key":"k","lane":"l","at":"now"}`, "e|k|l|now"},
		"an ordering key of digits":       {program, `{"type":"e","lane":12}`, "e||12|"},
		"an ordering key with a fraction": {program, `{"type":"e","key":"k","lane":1.5,"at":5}`, "e|k|1.5|"},
		"an ordering key of 255 bytes":    {program, `{"type":"e","lane":"` + strings.Repeat("l", 255) + `"}`, "e||" + strings.Repeat("l", 255) + "|"},
		"an ordering key of 256 bytes":    {program, `{"type":"e","lane":"` + strings.Repeat("l", 256) + `"}`, "e||" + longHash + "|"},
		"an empty ordering key":           {program, `{"type":"e","key":"k","lane":""}`, "e|k|k|"},
		"an empty idempotency key":        {program, `{"type":"e","key":"","at":null}`, "e||evt|"},
		"a source without keys":           {bare, `{"type":"e","key":"k","lane":"l","at":"now"}`, "e||evt|"},
	} {
		t.Run(name, func(t *testing.T) {
			e := identified(t, tc.program, tc.body)
			if diff := cmp.Diff(tc.want, e.Type+"|"+e.Key+"|"+e.OrderingKey+"|"+tc.program.Timestamp(e)); diff != "" {
				t.Error(diff)
			}
		})
	}
	doc.Event.Type = "body.n + 'x'"
	err := compile(t, doc).Identify(&event.Event{Body: []byte(`{"n":1}`)}, nil)
	if _, ok := errors.AsType[*mapping.NoTypeError](err); !ok || err.Error() != "no event type: body.n + \"x\": cannot add an integer and a string; convert one with string(), int() or double()" {
		t.Errorf("got %v", err)
	}
}

func TestEventWithoutAReadableTypeMatchesNoMappingUntilTheExpressionIsCorrected(t *testing.T) {
	doc := custom(t, strings.Replace(mapped("deleteUser", `"id":"'u1'"`), `"event":"e"`, `"event":"*"`, 1))
	correct := compile(t, doc)
	for expression, reason := range map[string]string{
		"body.kind":    "no event type: body.kind is not in the event; body has no kind, only type, key, lane, n",
		"body.key + 1": "no event type: body.key + 1: cannot add a string and an integer; convert one with string(), int() or double()",
		"body.n":       "no event type: it is a number, not a string",
		"''":           "no event type: it is empty",
	} {
		t.Run(expression, func(t *testing.T) {
			doc.Event.Type = expression
			wrong := compile(t, doc)
			e := &event.Event{ID: "evt", Body: []byte(`{"type":"e","key":"k","lane":"l","n":1}`)}
			err := wrong.Identify(e, nil)
			if _, ok := errors.AsType[*mapping.NoTypeError](err); !ok || e.Type+"|"+e.Key+"|"+e.OrderingKey != "|k|l" {
				t.Errorf("Identify: %v, %+v", err, e)
			}
			if diff := cmp.Diff(mapping.Plan{Reason: reason}, wrong.Plan(e)); diff != "" {
				t.Errorf("under the wrong expression (-want +got)\n%s", diff)
			}
			if plan := correct.Plan(e); len(plan.Actions) != 1 || e.Type != "e" {
				t.Errorf("under the corrected expression: type %q, plan %+v", e.Type, plan)
			}
		})
	}
}

func TestAProgramReadsTheHeadersOfAllItsExpressions(t *testing.T) {
	doc := custom(t, `{"name":"m","event":"e","action":"triggerWorkflow","when":"headers.when == 'x'",
		"parameters":{"workflow":"=headers.workflow","recipients":"headers.recipients","data":{"d":"headers['data']"}}}`,
		`{"name":"inactive","event":"e","inactive":true,"action":"deleteUser","parameters":{"id":"headers.inactive"}}`)
	doc.Event.Type, doc.Event.IdempotencyKey, doc.Event.OrderingKey, doc.Event.Timestamp = "headers.type", "headers.key", "headers.lane", "headers.time"
	doc.Event.Preprocess = []document.Step{{Name: "s", Value: "headers.step"}}
	program := compile(t, doc)
	for _, name := range []string{"when", "workflow", "recipients", "data", "inactive", "type", "key", "lane", "time", "step"} {
		if !program.ReadsHeader(name) {
			t.Errorf("the program does not read the header %q", name)
		}
	}
	if program.ReadsHeader("user-agent") || compile(t, rudderStack(t)).ReadsHeader("user-agent") {
		t.Error("a program reads a header that no expression names")
	}
}
