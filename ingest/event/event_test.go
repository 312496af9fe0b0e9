// SPDX-License-Identifier: Apache-2.0

package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/event"
)

func TestSplitReturnsTheEventsOfABody(t *testing.T) {
	nested := func(n int) string { return strings.Repeat(`{"a":`, n-1) + "{}" + strings.Repeat("}", n-1) }
	for name, tc := range map[string]struct {
		body string
		want []string
		err  string
	}{
		"an object":                        {body: ` {"a":1} `, want: []string{`{"a":1}`}},
		"an array of objects":              {body: `[{"a":1}, {}]`, want: []string{`{"a":1}`, `{}`}},
		"a byte order mark":                {body: "\ufeff{}", want: []string{"{}"}},
		"a hundred levels":                 {body: nested(100), want: []string{nested(100)}},
		"a hundred levels in an array":     {body: "[" + nested(100) + "]", want: []string{nested(100)}},
		"a hundred and one levels":         {body: nested(101), err: "the body is nested more than 100 levels deep at byte 500"},
		"too many levels in an array":      {body: "[" + nested(101) + "]", err: "the body is nested more than 100 levels deep at byte 501"},
		"too many, with one not an object": {body: "[1" + strings.Repeat(",{}", 1000) + "]", err: "1001 events in one request; send at most 1000"},
		"an empty body":                    {body: " \n", err: "the body is empty; send a JSON object or an array of them"},
		"an empty array":                   {body: "[]", err: "the array is empty; send at least one event"},
		"an array with a number":           {body: `[{},1]`, err: "element 1 of the array is a number; each must be an object"},
		"a string":                         {body: `"x"`, err: "the body is a string; send a JSON object or an array of them"},
		"two objects":                      {body: `{}{}`, err: "the body is not JSON at byte 2: unexpected '{' after the value"},
		"one event more than the limit":    {body: "[" + strings.Repeat("{},", 1000) + "{}]", err: "1001 events in one request; send at most 1000"},
		"a second byte order mark":         {body: "\ufeff\ufeff{}", err: "the body is not JSON at byte 0: unexpected '\\ufeff', expected a value"},
	} {
		t.Run(name, func(t *testing.T) {
			events, err := event.Split([]byte(tc.body), nil)
			var got []string
			for _, e := range events {
				got = append(got, string(e))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
				t.Errorf("got %v, want %s", err, tc.err)
			}
		})
	}
}

// FuzzSplitAgreesWithEncodingJSON compares the events of a body with the values that encoding/json finds in it.
func FuzzSplitAgreesWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{"type":"track","n":1.0,"n":12345678901234567890}`, ` [ {"a":[1e400,{}]} , {} ] `, "\ufeff[{\"<b>&\":\"\u2028\"}]", `[{},1]`, "[]", `{}{}`, `"x"`,
		"{\"a\":\"\xff\"}", `[{"a":"]}"},{"b":"\"}"}]`, "", "null", strings.Repeat("[", 200), `{"a":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + "}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := event.Split(body, nil)
		if err != nil {
			_, invalid := errors.AsType[*event.BodyError](err)
			_, tooMany := errors.AsType[*event.TooManyError](err)
			if !invalid && !tooMany || len(events) > 0 {
				t.Fatalf("%d events and %v", len(events), err)
			}
			return
		}
		trimmed := bytes.TrimPrefix(body, []byte("\ufeff"))
		var want []json.RawMessage
		if err := json.Unmarshal(trimmed, &want); err != nil {
			want = make([]json.RawMessage, 1)
			if err := json.Unmarshal(trimmed, &want[0]); err != nil {
				t.Fatalf("Split accepts %q: %v", body, err)
			}
		}
		if len(events) != len(want) {
			t.Fatalf("%d events in %q, want %d", len(events), body, len(want))
		}
		for i, e := range events {
			if !bytes.Equal(e, bytes.TrimSpace(want[i])) || e[0] != '{' {
				t.Errorf("event %d is %q, want %q", i, e, want[i])
			}
		}
	})
}

func TestIDsSortByTime(t *testing.T) {
	last := ""
	for range 1000 {
		id := event.NewID()
		if id <= last {
			t.Fatalf("%s does not follow %s", id, last)
		}
		last = id
	}
}

func FuzzDecodeReturnsTheEncodedEvent(f *testing.F) {
	f.Add("id", "track/Order Completed", "k", "u", "failed", "x-a", "1", []byte(`{"a":1}`))
	f.Add("", "", "", "", "", "", "", []byte(nil))
	f.Fuzz(func(t *testing.T, id, typ, key, ordering, verification, name, value string, body []byte) {
		want := &event.Event{
			ID: id, Type: typ, Key: key, OrderingKey: ordering, Verification: verification,
			Headers: map[string]string{name: value}, Body: body,
		}
		got, err := event.Decode(want.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fmt.Sprint(want), fmt.Sprint(got)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzDecodeNeverPanics(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 2, 'a', 'b', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add((&event.Event{ID: "i", Headers: map[string]string{"x-a": "1", "x-b": "2"}, Body: []byte("{}")}).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := event.Decode(data)
		if err != nil {
			if !errors.Is(err, event.ErrEncoding) {
				t.Fatal(err)
			}
			return
		}
		again, err := event.Decode(e.Append(nil))
		if diff := cmp.Diff(fmt.Sprint(e), fmt.Sprint(again)); diff != "" || err != nil {
			t.Fatalf("decoding the event again: %v %s", err, diff)
		}
	})
}
