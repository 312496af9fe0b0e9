// SPDX-License-Identifier: Apache-2.0

package eventlog_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// FuzzRedactor compares the Redactor with slowRedactor. It also checks that the result is the same after Encode and
// decoding.
func FuzzRedactor(f *testing.F) {
	f.Add(`{"a":"secret","b":["secret",1]}`, `{"x":"secret"}`)
	f.Add(`{"a":{"b":"x\u0000"}}`, `["x\u0000",1.0,{"a":"a"}]`)
	f.Add("{ \"a\" : [ 1.0 , true ] , \"c\":{\"\\u0064\": \"<\\u003c\"},\"a\":\"&\" }\n", "[ \"\\u0026\", 1.0, 1, true, \"<<\" ]")
	f.Add(`{"c":{"d":[1,{"e":2}],"1":"x"},"l":[1,{"x":3},"\ud800"]}`, `[1,2,3,"x","\ufffd",{"1":1}]`)
	f.Fuzz(func(t *testing.T, payload, body string) {
		if rawjson.Validate([]byte(payload), 100) != nil || rawjson.Validate([]byte(body), 100) != nil {
			t.Skip("the receiver rejects invalid JSON")
		}
		payload, body = string(rawjson.Trim([]byte(payload))), string(rawjson.Trim([]byte(body)))
		paths := []string{"body.a", "body.c.d", "body.c.1", "body.l.1.x"}
		got := eventlog.NewRedactor(paths, false).Apply(eventlog.Entry{
			Payload: json.RawMessage(payload), Actions: []eventlog.Action{{Requests: []eventlog.Request{{Body: json.RawMessage(body)}}}},
		})
		slow := slowRedactor{paths: paths, hidden: map[string]bool{}}
		slowPayload := slow.values(slow.members(payload))
		if diff := cmp.Diff(slowPayload, string(got.Payload)); diff != "" {
			t.Errorf("payload (-slow +fast):\n%s", diff)
		}
		if diff := cmp.Diff(slow.values(body), string(got.Actions[0].Requests[0].Body)); diff != "" {
			t.Errorf("request body (-slow +fast):\n%s", diff)
		}
		if len(payload)+len(body) > 32<<10 {
			return // the record may be cut
		}
		var stored eventlog.Entry
		if err := json.Unmarshal(eventlog.Encode(got), &stored); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, stored); diff != "" {
			t.Errorf("record (-before +after):\n%s", diff)
		}
	})
}

// slowRedactor redacts JSON with the tokens of encoding/json. It replaces the bytes of values in the text from back to
// front.
type slowRedactor struct {
	paths  []string
	hidden map[string]bool // the text of hidden strings and numbers
}

// members hides the values at the paths and adds them to r.hidden.
func (r slowRedactor) members(text string) string {
	return replaced(text, func(path string, value any, hiddenAbove bool) bool {
		for _, hide := range r.paths {
			if path == hide || hiddenAbove {
				if scalar := plain(value); scalar != "" {
					r.hidden[scalar] = true
				}
				return true
			}
		}
		return false
	})
}

// values hides the strings and numbers in r.hidden.
func (r slowRedactor) values(text string) string {
	return replaced(text, func(_ string, value any, _ bool) bool { return r.hidden[plain(value)] })
}

func plain(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	default:
		return ""
	}
}

// span is the place of a value in the text.
type span struct{ start, end int }

// replaced returns text with every value hidden for which hide returns true. It calls hide for each value with its
// path, and with whether a value around it is hidden. value is nil for objects and arrays.
func replaced(text string, hide func(path string, value any, hiddenAbove bool) bool) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var spans []span
	var walk func(path string, hiddenAbove bool)
	walk = func(path string, hiddenAbove bool) {
		before := int(decoder.InputOffset())
		start := before + len(text[before:]) - len(strings.TrimLeft(text[before:], " \t\r\n,:"))
		token, err := decoder.Token()
		if err != nil {
			panic(err)
		}
		open, container := token.(json.Delim)
		var value any
		if !container {
			value = token
		}
		hidden := hide(path, value, hiddenAbove)
		for i := 0; container && decoder.More(); i++ {
			name := strconv.Itoa(i)
			if open == '{' {
				key, _ := decoder.Token()
				name, _ = key.(string)
			}
			if strings.Contains(name, ".") {
				name = "\x00" // no path has a name with a dot
			}
			walk(path+"."+name, hiddenAbove || hidden)
		}
		if container {
			_, _ = decoder.Token()
		}
		if hidden && !hiddenAbove {
			spans = append(spans, span{start, int(decoder.InputOffset())})
		}
	}
	walk("body", false)
	out := []byte(text)
	for _, s := range slices.Backward(spans) {
		out = bytes.Join([][]byte{out[:s.start], out[s.end:]}, []byte(`"[redacted]"`))
	}
	return string(out)
}
