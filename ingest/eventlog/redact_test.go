// SPDX-License-Identifier: Apache-2.0

package eventlog_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

func TestTheRedactorHidesValuesWhereverTheyAppear(t *testing.T) {
	request := func(path, body, response string) []eventlog.Action {
		return []eventlog.Action{{Mapping: "m", Requests: []eventlog.Request{{Path: path, Body: json.RawMessage(body), Response: response}}}}
	}
	for name, tc := range map[string]struct {
		paths []string
		omit  bool
		entry eventlog.Entry
		want  eventlog.Entry
	}{
		"nothing to hide": {
			entry: eventlog.Entry{Payload: json.RawMessage(`{ "a":1.0}`), Actions: request("/v1/users/u", `{"a":1}`, "")},
			want:  eventlog.Entry{Payload: json.RawMessage(`{ "a":1.0}`), Actions: request("/v1/users/u", `{"a":1}`, "")},
		},
		"a path that the payload does not have": {
			paths: []string{"body.b.c", "body.a.c", "headers.a"},
			entry: eventlog.Entry{Payload: json.RawMessage(`{"a":1.0,"n":9007199254740993}`), Actions: request("/", `{"a":1.0}`, "a")},
			want:  eventlog.Entry{Payload: json.RawMessage(`{"a":1.0,"n":9007199254740993}`), Actions: request("/", `{"a":1.0}`, "a")},
		},
		"a string, however it is escaped": {
			paths: []string{"body.traits.email"},
			entry: eventlog.Entry{
				Payload: json.RawMessage(`{"traits":{"email":"a\u0040b.c","n":1.50}}`),
				Actions: request("/v1/users/a%40b.c/x?id=a%40b.c&y=1", `{"e":"a@b.c","l":["a\u0040b.c","xa@b.c"],"a@b.c":1.50}`, `{"message":"no a@b.c here, nor da@b.c"`),
			},
			want: eventlog.Entry{
				Payload: json.RawMessage(`{"traits":{"email":"[redacted]","n":1.50}}`),
				Actions: request("/v1/users/[redacted]/x?id=[redacted]&y=1", `{"e":"[redacted]","l":["[redacted]","xa@b.c"],"a@b.c":1.50}`, `{"message":"no [redacted] here, nor da@b.c"`),
			},
		},
		"a number, but not digits of another number": {
			paths: []string{"body.age"},
			entry: eventlog.Entry{Payload: json.RawMessage(`{"age":42,"n":42}`), Actions: request("/42/142", `{"a":42,"b":"42","c":420}`, `{"a":42,"b":142}`)},
			want:  eventlog.Entry{Payload: json.RawMessage(`{"age":"[redacted]","n":"[redacted]"}`), Actions: request("/[redacted]/142", `{"a":"[redacted]","b":"[redacted]","c":420}`, `{"a":[redacted],"b":142}`)},
		},
		"every other byte stays, white space included": {
			paths: []string{"body.a.b", "body.l.1"},
			entry: eventlog.Entry{Payload: json.RawMessage("{ \"a\" : {\t\"b\" : \"x\" , \"h\":\"<&>\" },\n \"l\" : [ 1.0 , 2 ] , \"m\" : [ ] }"), Actions: request("/", "[ 2 , \"<\" ]", "")},
			want: eventlog.Entry{
				Payload: json.RawMessage("{ \"a\" : {\t\"b\" : \"[redacted]\" , \"h\":\"<&>\" },\n \"l\" : [ 1.0 , \"[redacted]\" ] , \"m\" : [ ] }"),
				Actions: request("/", "[ \"[redacted]\" , \"<\" ]", ""),
			},
		},
		"every member with a repeated name": {
			paths: []string{"body.a"},
			entry: eventlog.Entry{Payload: json.RawMessage(`{"a":"one","a":"two"}`), Actions: request("/", `["one","two"]`, "")},
			want:  eventlog.Entry{Payload: json.RawMessage(`{"a":"[redacted]","a":"[redacted]"}`), Actions: request("/", `["[redacted]","[redacted]"]`, "")},
		},
		"an object: its strings and numbers, but not its booleans": {
			paths: []string{"body.traits"},
			entry: eventlog.Entry{Payload: json.RawMessage(`{"traits":{"a":["x",true,null,""]}}`), Actions: request("/x", `{"a":"x","b":true,"c":""}`, "")},
			want:  eventlog.Entry{Payload: json.RawMessage(`{"traits":"[redacted]"}`), Actions: request("/[redacted]", `{"a":"[redacted]","b":true,"c":""}`, "")},
		},
		"an element of a list": {
			paths: []string{"body.items.1.name"},
			entry: eventlog.Entry{Payload: json.RawMessage(`{"items":[{"name":"x"},{"name":"y"}]}`)},
			want:  eventlog.Entry{Payload: json.RawMessage(`{"items":[{"name":"x"},{"name":"[redacted]"}]}`)},
		},
		"the whole body": {
			paths: []string{"body"},
			entry: eventlog.Entry{Payload: json.RawMessage(`{"a":"x"}`), Actions: request("/x", `"x"`, "x")},
			want:  eventlog.Entry{Payload: json.RawMessage(`"[redacted]"`), Actions: request("/[redacted]", `"[redacted]"`, "[redacted]")},
		},
		"the event type, keys, reasons and notes": {
			paths: []string{"body.id"},
			entry: eventlog.Entry{
				Type: "order/a/b", Payload: json.RawMessage(`{"id":"a/b"}`), Key: "a/b", OrderingKey: "a/b", Reason: `id "a/b"`, Notes: []string{"a/b"},
				Actions: []eventlog.Action{{Reason: "a/b", Notes: []string{"id a/b"}}},
			},
			want: eventlog.Entry{
				Type: "order/[redacted]", Payload: json.RawMessage(`{"id":"[redacted]"}`), Key: "[redacted]", OrderingKey: "[redacted]", Reason: `id "[redacted]"`,
				Notes: []string{"[redacted]"}, Actions: []eventlog.Action{{Reason: "[redacted]", Notes: []string{"id [redacted]"}}},
			},
		},
		"omitted payloads, and the value in a path": {
			paths: []string{"body.email"}, omit: true,
			entry: eventlog.Entry{Payload: json.RawMessage(`{"email":"x"}`), Actions: request("/x", `{"email":"x"}`, "x")},
			want:  eventlog.Entry{Actions: []eventlog.Action{{Mapping: "m", Requests: []eventlog.Request{{Path: "/[redacted]"}}}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := copied(t, tc.entry)
			got := eventlog.NewRedactor(tc.paths, tc.omit).Apply(tc.entry)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, copied(t, tc.entry)); diff != "" {
				t.Errorf("Apply changed its argument (-before +after):\n%s", diff)
			}
		})
	}
}

// copied returns a deep copy of the entry.
func copied(t *testing.T, entry eventlog.Entry) (copy eventlog.Entry) {
	t.Helper()
	if err := json.Unmarshal(eventlog.Encode(entry), &copy); err != nil {
		t.Fatal(err)
	}
	return copy
}
