// SPDX-License-Identifier: Apache-2.0

package rawjson_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

func TestValidateReportsTheMistakeAndItsPlace(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"empty":                      {"", "not JSON at byte 0: unexpected end of input, expected a value"},
		"a trailing comma":           {`{"a":1,}`, `not JSON at byte 7: unexpected '}', expected a key in double quotes`},
		"text after the value":       {`{} x`, `not JSON at byte 3: unexpected 'x' after the value`},
		"two values":                 {`{}{}`, `not JSON at byte 2: unexpected '{' after the value`},
		"a leading zero":             {`{"a":01}`, `not JSON at byte 6: unexpected '1', expected "," or '}'`},
		"a raw newline":              {"\"a\nb\"", "not JSON at byte 2: control character in a string"},
		"a string without its end":   {`"abc`, "not JSON at byte 4: end of input in a string"},
		"a bad escape":               {`"\x"`, "not JSON at byte 2: unknown escape"},
		"a short unicode escape":     {`"\u12"`, `not JSON at byte 5: \u needs four hexadecimal digits`},
		"invalid UTF-8":              {"{\"a\":\"\xff\"}", "not JSON at byte 6: invalid UTF-8"},
		"a comment":                  {`{/**/}`, `not JSON at byte 1: unexpected '/', expected a key in double quotes`},
		"three levels, one too many": {`[[[]]]`, "nested more than 2 levels deep at byte 2"},
		"NaN":                        {`NaN`, "not JSON at byte 0: unexpected 'N', expected a value"},
	} {
		t.Run(name, func(t *testing.T) {
			err := rawjson.Validate([]byte(tc.in), 2)
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
		})
	}
}

func TestLookupReturnsTheValueAsItIsWritten(t *testing.T) {
	const body = ` {"a":{"b":[10, {"c" : 1.0}],"x-y":true},"n":9007199254740993,"esc\u0061pe":"\u00e9","d":1,"d":2,"nil":null,"":0} `
	for path, want := range map[string]string{
		"":        strings.TrimSpace(body),
		"a.b.1.c": "1.0",
		"a.b.0":   "10",
		"a.b.2":   "",
		"a.b.-1":  "",
		"a.b.01":  "",
		"a.x-y":   "true",
		"n":       "9007199254740993",
		"escape":  `"\u00e9"`,
		"d":       "2",
		"nil":     "null",
		"nil.x":   "",
		"n.x":     "",
		"absent":  "",
	} {
		var segments []string
		if path != "" {
			segments = strings.Split(path, ".")
		}
		got, ok := rawjson.Lookup([]byte(body), segments)
		if string(got) != want || ok != (want != "") {
			t.Errorf("Lookup(%q) = %q, %v; want %q", path, got, ok, want)
		}
	}
}

func TestOverlayKeepsTheOtherMembers(t *testing.T) {
	base := []byte(`{"b":1.0,"a":{"z":1e2},"b":2,"c":"\u00e9"}`)
	got := rawjson.Overlay(base, []rawjson.Field{{Name: "b", Value: []byte("3")}, {Name: "d\"", Value: []byte("[]")}})
	if diff := cmp.Diff(`{"a":{"z":1e2},"c":"\u00e9","b":3,"d\"":[]}`, string(got)); diff != "" {
		t.Error(diff)
	}
	if got := rawjson.Overlay(nil, nil); string(got) != "{}" {
		t.Errorf("got %s", got)
	}
}

func TestMergePrefersTheSecondObject(t *testing.T) {
	got := rawjson.Merge([]byte(`{"a":1,"b":{"x":1}}`), []byte(`{"b":2.0,"c":3}`))
	if diff := cmp.Diff(`{"a":1,"b":2.0,"c":3}`, string(got)); diff != "" {
		t.Error(diff)
	}
}

func FuzzValidateAgreesWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e-3,"x\u00e9\n",null,true]}`, `[]`, `""`, `-0`, `01`, `{"a":}`, "\xff", `"\ud800"`, ` 1 `} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if bytes.Count(data, []byte("["))+bytes.Count(data, []byte("{")) > 900 {
			return
		}
		err := rawjson.Validate(data, 1000)
		if want := json.Valid(data) && json.Valid(bytes.ToValidUTF8(data, []byte("\x01"))); (err == nil) != want {
			t.Fatalf("Validate(%q) = %v, encoding/json reports valid: %v", data, err, want)
		}
	})
}

func FuzzMembersAgreeWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,{"b":2}],"a":"x","\u0062":null}`, `{"":{}}`, `{}`, ` { "k" : "\\\"" , "l" : [ ] } `, `{ "k" :{"m":1} ,"\\":"\n"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var want map[string]json.RawMessage
		if rawjson.Validate(data, 100) != nil || json.Unmarshal(data, &want) != nil || want == nil {
			return
		}
		got := map[string]json.RawMessage{}
		for key, value := range rawjson.Members(rawjson.Trim(data)) {
			got[rawjson.Unquote(key)] = json.RawMessage(value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		read, validated := &rawjson.Index{}, &rawjson.Index{}
		read.Read(rawjson.Trim(data))
		if err := validated.Validate(rawjson.Trim(data), 100); err != nil || validated.Object() == nil {
			t.Fatalf("Validate: %v, index of %q", err, validated.Object())
		}
		for name, value := range want {
			if found, ok := rawjson.Lookup(data, []string{name}); !ok || !bytes.Equal(found, value) {
				t.Fatalf("Lookup(%q) = %q, want %q", name, found, value)
			}
			for i, index := range []*rawjson.Index{read, validated} {
				if found, ok := index.Member(name); !ok || !bytes.Equal(found, value) {
					t.Fatalf("index %d: Member(%q) = %q, want %q", i, name, found, value)
				}
			}
		}
	})
}

func FuzzQuoteAgreesWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{"", "plain", "\x00\x1f\"\\/\x7f", "é<&>\u2028😀", "a\xff\xfeb", "\xe2\x82", "\ufffd"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		marshalled, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var got, want string
		if err := json.Unmarshal(rawjson.Quote(s), &got); err != nil {
			t.Fatalf("Quote(%q) = %s: %v", s, rawjson.Quote(s), err)
		}
		if err := json.Unmarshal(marshalled, &want); err != nil || got != want {
			t.Fatalf("Quote(%q) decodes to %q, want %q: %v", s, got, want, err)
		}
	})
}

func FuzzCompactAgreesWithEncodingJSON(f *testing.F) {
	for _, seed := range []string{` { "a b" : [ 1 , 2 ] , "c\\" : "\" " } `, "\t[\r\n]", `"a"`, `1 `, "{\"a\":\"\u2028<&>\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if rawjson.Validate(data, 100) != nil {
			return
		}
		original := bytes.Clone(data)
		var want bytes.Buffer
		if err := json.Compact(&want, data); err != nil {
			t.Fatal(err)
		}
		if got := rawjson.Compact(data); !bytes.Equal(got, want.Bytes()) || !bytes.Equal(data, original) {
			t.Fatalf("Compact(%q) = %q, want %q", original, got, want.Bytes())
		}
	})
}

// members decodes an object with encoding/json. The last of duplicate names wins.
func members(t *testing.T, object []byte) map[string]json.RawMessage {
	t.Helper()
	var out map[string]json.RawMessage
	if err := json.Unmarshal(object, &out); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return out
}

// FuzzObjectsAgreeWithEncodingJSON compares Index, Merge and Omit with operations on maps.
func FuzzObjectsAgreeWithEncodingJSON(f *testing.F) {
	many := strings.Repeat(`"k":1,`, 300)
	for _, seed := range [][3]string{
		{`{"a":1,"b":{"c":1.0},"a":2}`, `{"\u0061":3,"c":[ ]}`, "a"},
		{`{}`, `{"a":null}`, ""},
		{`{"a":1}`, `{}`, "a"},
		{` { "x" : 1 } `, `{"y":2}`, "x"},
		{`{` + many + `"z":2}`, `{"k":3}`, "k"},
		{`{"k":0,"z":{}}`, `{` + many + `"y":2}`, "z"},
		{`{"\ud800":1}`, `{"\ufffd":2}`, "\ufffd"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), seed[2])
	}
	f.Fuzz(func(t *testing.T, base, over []byte, name string) {
		base, over = rawjson.Trim(base), rawjson.Trim(over)
		for _, object := range [][]byte{base, over} {
			if rawjson.Validate(object, 100) != nil || rawjson.KindOf(object) != rawjson.Object {
				return
			}
		}
		var index rawjson.Index
		index.Read(base)
		want := members(t, base)
		for _, name := range append(slices.Collect(maps.Keys(want)), name) {
			if got, ok := index.Member(name); string(got) != string(want[name]) || ok != (want[name] != nil) {
				t.Errorf("the member %q is %s, want %s", name, got, want[name])
			}
		}
		merged := members(t, base)
		maps.Copy(merged, members(t, over))
		if diff := cmp.Diff(merged, members(t, rawjson.Merge(base, over))); diff != "" {
			t.Errorf("Merge: %s", diff)
		}
		delete(want, name)
		if diff := cmp.Diff(want, members(t, rawjson.Omit(base, []string{name}))); diff != "" {
			t.Errorf("Omit(%q): %s", name, diff)
		}
	})
}
