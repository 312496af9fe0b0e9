// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/expression"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// bodies returns events with values of every type at the paths that the tests read, and the samples of RudderStack. If
// the environment variable DOORBELL_RUDDER_PAYLOADS names a file, bodies adds the events in it, one a line.
func bodies(t testing.TB) [][]byte {
	t.Helper()
	out := [][]byte{[]byte(`{}`), []byte(`{"a":null,"b":null,"c":null,"o":null}`), []byte(`{"o":{"a":1,"a":"last","\u0062":"b","o":{"c":"","a":null}}}`)}
	for _, value := range []string{
		`""`, `"x"`, `"X\u0059\n\"é"`, `"\ud800"`, "\"<&>\u2028\"", `0`, `-0`, `7`, `1.0`, `1e400`, `123456789012345678`, `1234567890123456789`,
		`12345678901234567890`, `true`, `false`, `null`, `[]`, `["",null,"x"]`, `[{"a":1}]`, `{}`, ` { "a" : "x" , "b" : null , "c" : { "a" : [ 1 ] } } `,
		`"` + strings.Repeat("long", 17<<10) + `"`,
	} {
		out = append(out, fmt.Appendf(nil, `{"a":%s,"b":"x","c":7,"o":{"a":%s,"b":"y","o":{"a":%[1]s}}}`, value, value), fmt.Appendf(nil, `{"c":%s,"o":%s,"b":"x"}`, value, value))
	}
	source, err := template.Load("RudderStack")
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range source.Samples {
		out = append(out, sample.Body)
	}
	if path := os.Getenv("DOORBELL_RUDDER_PAYLOADS"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bytes.Split(bytes.TrimSpace(data), []byte("\n"))...)
	}
	for i := range out {
		events, err := event.Split(out[i], nil)
		if err != nil {
			t.Fatalf("%s: %v", out[i], err)
		}
		out[i] = events[0]
	}
	return out
}

// steps returns preprocess steps that have a value, and one that fails.
func steps(t testing.TB) []expression.Step {
	t.Helper()
	source, err := template.Load("RudderStack")
	if err != nil {
		t.Fatal(err)
	}
	var out []expression.Step
	for _, step := range append(source.Preprocess, document.Step{Name: "o", Value: "body.o"}, document.Step{Name: "bad", Value: "body.o + 1"}) {
		x, err := expression.Compile(step.Value, expression.Any)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, expression.Step{Name: step.Name, Value: x})
	}
	return out
}

// generator writes random expressions. Most of their parts have a native form, and some have none.
type generator struct{ *rand.Rand }

func (g generator) pick(choices ...string) string { return choices[g.IntN(len(choices))] }

func (g generator) path() string {
	return g.pick(
		"body.a", "body.b", "body.c", "body.o", "body.o.a", "body.o.o.a", "body['b']", "body['o'].b", "body", "headers.h", "headers['x-y']", "preprocess.o.a",
		"preprocess.o", "preprocess.bad", "preprocess.traits.a", "preprocess['o'].b", "body.o['a']",
	)
}

func (g generator) optional() string {
	return g.pick(
		"body.?a", "body.?o.?a", "body[?'b']", "body.o.?a", "preprocess.?o.?a", "preprocess.?bad", "headers.?h", "headers[?'x-y']", "optional.none()", "body.?o.a",
		"merge(body.?o, {}).?a", "optional.of(body.a)",
	)
}

func (g generator) expression(depth int) string {
	if depth == 0 {
		return g.pick(g.path(), g.path(), "'x'", "''", "7", "1.0", "null", "true", "'<é\"'")
	}
	next := func() string { return g.expression(g.IntN(depth)) }
	switch g.IntN(16) {
	case 0:
		return fmt.Sprintf("coalesce(%s, %s)", g.pick(g.path(), g.optional()), next())
	case 1:
		return fmt.Sprintf("coalesce([%s, %s, %s])", g.optional(), next(), g.pick(g.path(), g.optional()))
	case 2:
		return fmt.Sprintf("coalesce(%s)", next())
	case 3:
		return fmt.Sprintf("%s.orValue(%s)", g.optional(), next())
	case 4:
		return fmt.Sprintf("(%s ? %s : %s)", g.condition(depth-1), next(), next())
	case 5:
		return fmt.Sprintf("(%s ? %s : %s)", g.condition(depth-1), g.optional(), g.pick(g.optional(), next()))
	case 6, 7:
		return fmt.Sprintf("(%s + %s)", next(), next())
	case 8:
		return fmt.Sprintf("string(%s)", next())
	case 9:
		return fmt.Sprintf("merge(%s, %s)", g.pick(g.optional(), next()), g.pick(g.optional(), next(), "{}"))
	case 10:
		return fmt.Sprintf("omit(%s, ['a', 'b'])", g.pick(g.optional(), next()))
	case 11:
		return g.optional()
	case 12:
		return fmt.Sprintf("[%s].join(' ')", next())
	default:
		return g.condition(depth - 1)
	}
}

func (g generator) condition(depth int) string {
	if depth <= 0 {
		return g.pick("has(body.a)", "has(body.o.a)", "has(preprocess.o)", "has(headers.h)", "body.a == 'x'", "body.b == 'x'", "true", "body.a", "has(body.?o.a)")
	}
	next := func() string { return g.expression(g.IntN(depth + 1)) }
	switch g.IntN(7) {
	case 0:
		return fmt.Sprintf("(%s == %s)", next(), next())
	case 1:
		return fmt.Sprintf("(%s != %s)", next(), g.pick(next(), g.optional()))
	case 2:
		return fmt.Sprintf("(%s in ['x', 7, %s])", next(), g.pick("null", "''", next()))
	case 3:
		return fmt.Sprintf("(type(%s) %s %s)", next(), g.pick("==", "!="), g.pick("string", "int", "map", "list", "bool", "null_type", "double"))
	case 4:
		return fmt.Sprintf("(%s && %s)", g.condition(depth-1), g.condition(depth-1))
	case 5:
		return fmt.Sprintf("(%s || %s)", g.condition(depth-1), g.condition(depth-1))
	default:
		return fmt.Sprintf("!(%s)", g.condition(depth-1))
	}
}

// templateExpressions returns the expressions of RudderStack's template.
func templateExpressions(t testing.TB) []string {
	t.Helper()
	source, err := template.Load("RudderStack")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{source.EventType, source.Timestamp, source.OrderingKey}
	for _, step := range source.Preprocess {
		texts = append(texts, step.Value)
	}
	for _, m := range source.Mappings {
		for _, p := range m.Parameters {
			texts = append(texts, p.Text)
		}
	}
	return texts
}

func TestANativeExpressionHasTheResultOfCEL(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	texts := append(templateExpressions(t), "body.a != body.?o.a", "body.a == body.?a", "body.a == body.?o.?a.orValue(7)", "type(body.?a) == string")
	for range 1500 {
		texts = append(texts, g.expression(1+g.IntN(3)))
	}
	events, preprocess := bodies(t), steps(t)
	native, certain := 0, 0
	for _, text := range texts {
		x, err := expression.Compile(text, expression.Any)
		if err != nil || !x.IsNative() {
			continue
		}
		native++
		for _, body := range events {
			certain += compareWithCEL(t, x, body, preprocess)
		}
	}
	t.Logf("%d of %d expressions have a native form, with %d certain results", native, len(texts), certain)
	if native < 400 || certain < 10_000 {
		t.Error("the test compares too little")
	}
}

// compareWithCEL compares the result of an expression with the result of CEL. It returns 1 if CEL was not needed, and 0
// otherwise.
func compareWithCEL(t *testing.T, x *expression.Expression, body []byte, preprocess []expression.Step) int {
	t.Helper()
	headers := map[string]string{"h": "x", "x-y": "<\"é>"}
	got, err, ok := x.EvalNative(expression.NewInput(body, headers, preprocess))
	if !ok {
		return 0
	}
	want, wantErr := x.EvalCEL(expression.NewInput(body, headers, preprocess))
	if diff := cmp.Diff(string(want), string(got)); diff != "" || fmt.Sprintf("%T %[1]v", err) != fmt.Sprintf("%T %[1]v", wantErr) {
		t.Errorf("%s: got %v, want %v (-CEL +native) %s\n%.300s", x, err, wantErr, diff, body)
	}
	return 1
}

// FuzzANativeExpressionHasTheResultOfCEL compares both for any expression and any event.
func FuzzANativeExpressionHasTheResultOfCEL(f *testing.F) {
	g := generator{rand.New(rand.NewPCG(3, 4))}
	events := bodies(f)
	for i, text := range append(templateExpressions(f), "body.a != body.?o.a", "coalesce([body.?a, body.o.a])") {
		f.Add(text, events[i%len(events)])
		f.Add(g.expression(3), events[(7*i)%len(events)])
	}
	preprocess := steps(f)
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		x, err := expression.Compile(text, expression.Any)
		if err != nil || !x.IsNative() || len(text) > 500 {
			return
		}
		if events, err := event.Split(body, nil); err == nil {
			compareWithCEL(t, x, events[0], preprocess)
		}
	})
}

func TestTheTemplateOfRudderStackNeedsNoCELForMostEvents(t *testing.T) {
	for _, text := range templateExpressions(t) {
		x, err := expression.Compile(text, expression.Any)
		if err != nil || strings.HasPrefix(text, "body.") && !strings.Contains(text, " ") {
			continue // a path, or the name of a workflow
		}
		if strings.Contains(text, "(") && !x.IsNative() {
			t.Errorf("only CEL can evaluate %s", text)
		}
	}
}
