// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/expression"
)

const order = `{"type":"track","event":"Order Completed","userId":42,"big":9007199254740993,"huge":1e999,"large":12345678901234567890,"one":1.0,"neg":-0,` +
	`"context":{"traits":{"email":"a@example.com","name":"Context","plan":"pro"}},"traits":{"name":"Top","z":1.0,"a":1e2},` +
	`"properties":{"total":150,"tax-body":1,"items":[{"id":"p1"},{"id":"p2"}],"in":"keyword"},"nil":null,"empty":"","dup":1,"dup":2}`

var headers = map[string]string{"x-shopify-topic": "orders/create", "x-a": "1, 2"}

func eval(t *testing.T, text string, kind expression.Kind) (string, error) {
	t.Helper()
	x, err := expression.Compile(text, kind)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	got, err := x.Eval(expression.NewInput([]byte(order), headers, nil))
	return string(got), err
}

func evalBody(t *testing.T, text, body string) (string, error) {
	t.Helper()
	x, err := expression.Compile(text, expression.Any)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	got, err := x.Eval(expression.NewInput([]byte(body), headers, nil))
	return string(got), err
}

func TestValuesOfExpressions(t *testing.T) {
	for text, want := range map[string]string{
		"body":                                   order,
		"body.big":                               "9007199254740993",
		"body.huge":                              "1e999",
		"body.one":                               "1.0",
		"body.dup":                               "2",
		"body.nil":                               "null",
		"body.properties.in":                     `"keyword"`,
		"body.properties.tax-body":               "1",
		"body.properties.items.1.id":             `"p2"`,
		"headers.x-shopify-topic":                `"orders/create"`,
		"headers":                                `{"x-a":"1, 2","x-shopify-topic":"orders/create"}`,
		"body.properties.total + 1":              "151",
		"body.big + 0":                           "9007199254740993",
		"body.large + 0.0":                       "1.2345678901234567e+19",
		"[body.?large]":                          "[1.2345678901234567e+19]",
		"body.one + 0.5":                         "1.5",
		"body.properties.total * 2 - 10 / 5 % 3": "298",
		"double(body.properties.total) * 1.5":    "225",
		"timestamp('2026-01-02T03:04:05Z') - timestamp('2026-01-02T00:04:05Z') == duration('3h')": "true",
		"timestamp('2026-01-02T03:04:05Z') - duration('3h')":                                      `"2026-01-02T00:04:05Z"`,
		"body.neg + 0":                  "0",
		"body.properties.total > 100.0": "true",
		"'USD'":                         `"USD"`,
		"body.?properties.currency.orValue('USD')":           `"USD"`,
		"body.?properties":                                   `{"total":150,"tax-body":1,"items":[{"id":"p1"},{"id":"p2"}],"in":"keyword"}`,
		"body.properties.items.map(i, i.id)":                 `["p1","p2"]`,
		"body.properties.items[0]":                           `{"id":"p1"}`,
		"{'b': body.one, 'a': body.traits}":                  `{"a":{"name":"Top","z":1.0,"a":1e2},"b":1}`,
		"merge(body.context.traits, body.traits)":            `{"email":"a@example.com","plan":"pro","name":"Top","z":1.0,"a":1e2}`,
		"merge(body.?nothing, body.traits)":                  `{"name":"Top","z":1.0,"a":1e2}`,
		"merge(body.type, body.nil)":                         `{}`,
		"omit(body.traits, ['name', 'a'])":                   `{"z":1.0}`,
		"merge(body.traits, {}).name":                        `"Top"`,
		"headers['x-a'].split(', ')":                         `["1","2"]`,
		"string(body.userId)":                                `"42"`,
		"body.type + '/' + body.event":                       `"track/Order Completed"`,
		"base64.encode(b'hi')":                               `"aGk="`,
		"math.greatest(1, body.properties.total)":            "150",
		"lists.range(3)":                                     "[0,1,2]",
		"body.event.replace(' ', '_').lowerAscii()":          `"order_completed"`,
		"'%s: %d'.format([body.type, body.userId])":          `"track: 42"`,
		"body.traits == body.traits":                         "true",
		"body.traits == {'name': 'Top', 'z': 1.0, 'a': 100}": "true",
		"'id' in body.properties.items[0]":                   "true",
		"has(body.traits.name) && !has(body.traits.nope)":    "true",
		"body.properties.items.exists(i, i.id == 'p2')":      "true",
		"size(body.properties.items) == 2":                   "true",
		"type(body.userId) == int":                           "true",
		"timestamp('2026-01-02T03:04:05Z')":                  `"2026-01-02T03:04:05Z"`,
		"b'\\x00'":                                           `"AA=="`,
		"[body.?nope]":                                       "[null]",
		"'é\\u0001'":                                         `"é\u0001"`,
	} {
		t.Run(text, func(t *testing.T) {
			got, err := eval(t, text, expression.Any)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAMissingErrorNamesThePathAndWhatTheEventHas(t *testing.T) {
	const inBody = "body has no nope, only type, event, userId, big, huge, large, one, neg and 6 more"
	for text, tc := range map[string]struct{ path, detail string }{
		"body.nope":                        {"body.nope", inBody},
		"body.nope + 1":                    {"body.nope", inBody},
		"body.?nope":                       {"body.nope", inBody},
		"body.userId == 42 && body.nope":   {"body.nope", inBody},
		"body.type == 'x' ? 1 : body.nope": {"body.nope", inBody},
		"[body.nope]":                      {"body.nope", inBody},
		"body.type.deeper":                 {"body.type.deeper", "body.type is a string"},
		"body.nil.deeper":                  {"body.nil.deeper", "body.nil is null"},
		"body.properties.items.2":          {"body.properties.items.2", "body.properties.items has 2 elements"},
		"body.properties.items[0].sku":     {"body.properties.items.0.sku", "body.properties.items.0 has no sku, only id"},
		"body.?properties.?nope.?deeper":   {"body.properties.nope.deeper", "body.properties has no nope, only total, tax-body, items, in"},
		"body.properties['order-id'] > 5":  {"body.properties.order-id", "body.properties has no order-id, only total, tax-body, items, in"},
		"body.properties['a b'] > 5":       {`body.properties["a b"]`, `body.properties has no "a b", only total, tax-body, items, in`},
		"body.properties.totl > 5":         {"body.properties.totl", "body.properties has no totl, only total, tax-body, items, in; did you mean body.properties.total?"},
		"headers.x-nope":                   {"headers.x-nope", "headers has no x-nope, only x-a, x-shopify-topic"},
		"headers['x-nope'] == 'a'":         {"headers.x-nope", "headers has no x-nope, only x-a, x-shopify-topic"},
		"preprocess.nope":                  {"preprocess.nope", "preprocess is empty"},
	} {
		_, err := eval(t, text, expression.Any)
		missing, ok := errors.AsType[*expression.MissingError](err)
		if !ok {
			t.Errorf("%s: %v, want a MissingError", text, err)
			continue
		}
		if missing.Path() != tc.path {
			t.Errorf("%s: path %s, want %s", text, missing.Path(), tc.path)
		}
		if diff := cmp.Diff(tc.path+" is not in the event; "+tc.detail, err.Error()); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestAMissingErrorWithoutAPathNamesThePartOfTheExpression(t *testing.T) {
	for text, want := range map[string]string{
		"coalesce(body.nope, body.nil)":         "coalesce(body.nope, body.nil) has no value for this event",
		"coalesce(body.nope, body.empty) + 'x'": "coalesce(body.nope, body.empty) has no value for this event",
		"body.properties.items.map(i, i.sku)":   "i.sku has no value for this event",
		"optional.none()":                       "optional.none() has no value for this event",
		"merge(body.traits, {}).nope":           "merge(body.traits, {}).nope has no value for this event",
	} {
		_, err := eval(t, text, expression.Any)
		if missing, ok := errors.AsType[*expression.MissingError](err); !ok || err.Error() != want || missing.Path()+" has no value for this event" != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// TestNamesInAMissingErrorAreBounded uses names that a hostile sender could choose.
func TestNamesInAMissingErrorAreBounded(t *testing.T) {
	var members []string
	for i := range 5000 {
		members = append(members, fmt.Sprintf(`"%s%d":"secret"`, strings.Repeat(`\n`, 5000), i))
	}
	x, err := expression.Compile("body.nope", expression.Any)
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Eval(expression.NewInput([]byte("{"+strings.Join(members, ",")+"}"), nil, nil))
	if text := err.Error(); len(text) > 700 || strings.ContainsAny(text, "\n") || strings.Contains(text, "secret") {
		t.Errorf("got %d bytes: %.1000s", len(text), text)
	}
}

func TestAFailedEvaluationReturnsTheReason(t *testing.T) {
	for text, want := range map[string]string{
		"body.huge + 1.0":          "the number 1e999 is too large to compute with",
		"body.properties.items[7]": "index 7 is out of bounds in body.properties.items[7]",
		"1 / (body.userId - 42)":   "division by zero",
		"1.0 / 0.0":                "JSON has no number +Inf",
		"body.type + 1":            "body.type + 1: cannot add a string and an integer; convert one with string(), int() or double()",
		"body.type - 1":            "body.type - 1: cannot subtract an integer from a string",
		"body.nil / 2":             "body.nil / 2: cannot divide null by an integer",
		"5 % body.type":            "5 % body.type: cannot divide an integer by a string",
		"body.type > 5":            "body.type > 5: cannot compare a string with an integer",
		"body.userId.contains('')": `body.userId.contains(""): contains does not accept an integer and a string`,
		"{1: 2}":                   "an object's keys must be strings",
		"int(body.type)":           "int(body.type): cannot convert the value to an integer",
		"timestamp(body.type)":     "timestamp(body.type): cannot convert the value to a timestamp",
		"body.type && true":        "body.type && true: && needs booleans",
		"!body.type":               "!body.type: ! needs a boolean",
		"body.type.orValue('')":    `body.type.orValue(""): orValue needs an optional, such as body.?x; for a default value, write coalesce(VALUE, DEFAULT)`,
		"-body.type":               "-body.type: - needs a number",
		"body.type ? 1 : 2":        "body.type ? 1 : 2: ? needs a boolean before it",
	} {
		x, err := expression.Compile(text, expression.Any)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, err = x.Eval(expression.NewInput([]byte(order), headers, nil))
		if _, ok := errors.AsType[*expression.EvalError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestTheReasonOfAFailureDoesNotDependOnEarlierFailures(t *testing.T) {
	for _, text := range []string{"body.userId == 3 && body.type.orValue('') == ''", "body.type.orValue('')", "[body.type.orValue('')]"} {
		x, err := expression.Compile(text, expression.Any)
		if err != nil {
			t.Fatal(err)
		}
		_, err = x.Eval(expression.NewInput([]byte(`{"type":"track","userId":3}`), nil, nil))
		if err == nil || !strings.HasPrefix(err.Error(), `body.type.orValue(""): orValue needs an optional`) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestArithmeticMixesIntegersAndDecimals(t *testing.T) {
	for text, want := range map[string]string{
		"body.properties.total * 0.9":           "135",
		"0.9 * body.properties.total":           "135",
		"body.properties.total - body.half":     "149.5",
		"body.half + body.properties.total":     "150.5",
		"body.properties.total / 100":           "1", // two integers: the remainder is dropped, as in CEL
		"body.properties.total / 100.0":         "1.5",
		"body.properties.total % 100":           "50",
		"body.properties.total % 0.25":          "0",
		"5.5 % 2.0":                             "1.5",
		"-5.5 % 2":                              "-1.5",
		"size(body.properties.items) * 1.5":     "3",
		"1 + 0.5":                               "1.5",
		"body.big + 0":                          "9007199254740993",
		"body.properties.total > 149.5":         "true",
		"body.properties.total * 1.0 == 150":    "true",
		"body.properties.total * 2 + 0.5":       "300.5",
		"[1, 2.5, body.userId].map(n, n * 2.0)": "[2,5,84]",
	} {
		got, err := evalBody(t, text, strings.Replace(order, `"one":1.0`, `"one":1.0,"half":0.5`, 1))
		if err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestCoalesceReturnsTheFirstValue(t *testing.T) {
	for text, want := range map[string]string{
		"coalesce(body.nope, body.nil, body.empty, body.type)":   `"track"`,
		"coalesce([body.nope, body.nil, body.empty, body.type])": `"track"`,
		"coalesce([body.?nope, body.?type])":                     `"track"`,
		"coalesce(body.?type)":                                   `"track"`,
		"coalesce(body.properties.items)":                        `{"id":"p1"}`,
		"coalesce(body.nope.deeper, body.type + '!')":            `"track!"`,
		"coalesce(body.nope, 'guest') + '!'":                     `"guest!"`,
		"coalesce(body.properties.items[7], 'none')":             `"none"`,
		"coalesce(body.type, body.type / 2)":                     `"track"`, // what follows the first value is not evaluated
		"coalesce(coalesce(body.nope, body.nil), 0)":             "0",
		"coalesce(false, true)":                                  "false",
		"coalesce(body.nope, body.traits).name":                  `"Top"`,
		"coalesce(body.properties.total, 1) * 0.5":               "75",
	} {
		got, err := eval(t, text, expression.Any)
		if err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", text, got, err, want)
		}
	}
	if _, err := eval(t, "coalesce(body.type - 1, 'x')", expression.Any); err == nil || !strings.Contains(err.Error(), "cannot subtract") {
		t.Errorf("an argument that fails: got %v", err)
	}
	if _, err := expression.Compile("coalesce("+strings.Repeat("1,", 20)+"1)", expression.Any); err == nil || !strings.Contains(err.Error(), "coalesce takes at most 20 values") {
		t.Errorf("too many arguments: got %v", err)
	}
}

func TestAMistakeIsReportedWithItsPlace(t *testing.T) {
	for text, tc := range map[string]struct {
		kind expression.Kind
		want string
	}{
		"body.a +":              {expression.Any, "line 1, column 9: the expression ends too early"},
		"true &&\n  totl > 1":   {expression.Bool, `line 2, column 3: unknown name "totl": the fields of an event are below body; write body.totl: body.totl > 1`},
		"order-completed":       {expression.Any, "line 1, column 1: text needs quotes"},
		"'text'":                {expression.Bool, "line 1, column 1: this gives a string; a condition needs a boolean"},
		"body.a == 1":           {expression.ID, "line 1, column 1: this gives a boolean; an id is a string or an integer"},
		"[1]":                   {expression.Object, "this gives a list; this field needs an object"},
		"1.5":                   {expression.ID, "this gives a decimal number; an id is a string or an integer"},
		"now()":                 {expression.Any, "line 1, column 1: unknown function \"now\""},
		"'ö' == é(1)":           {expression.Any, "line 1, column 8: "},
		"body.a.matches('(')":   {expression.Bool, `line 1, column 16: "(" is not a regular expression`},
		"timestamp('tomorrow')": {expression.Any, `line 1, column 11: "tomorrow" is not a timestamp`},
		strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300): {expression.Any, "line 1, column 1: expression recursion limit exceeded"},
		"body.?a.orValue(1) + ''":                                 {expression.Any, ""},
		"headers.a > 5":                                           {expression.Bool, "line 1, column 11: cannot compare a string with an integer"},
		"":                                                        {expression.Any, "line 1, column 1"},
	} {
		_, err := expression.Compile(text, tc.kind)
		if tc.want == "" {
			if err != nil {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %s", text, err, tc.want)
		}
	}
}

func TestAPathThatLooksLikeASubtractionHasAWarning(t *testing.T) {
	x, err := expression.Compile("body.total-body.tax", expression.Any)
	if err != nil || !strings.Contains(x.Warning, "total-body") {
		t.Errorf("got %q, %v", x.Warning, err)
	}
	x, err = expression.Compile("body.total - body.tax", expression.Any)
	if err != nil || x.Warning != "" {
		t.Errorf("got %q, %v", x.Warning, err)
	}
}

func TestAPreprocessStepReadsEarlierStepsOnly(t *testing.T) {
	step := func(name, text string) expression.Step {
		x, err := expression.Compile(text, expression.Any)
		if err != nil {
			t.Fatal(err)
		}
		return expression.Step{Name: name, Value: x}
	}
	in := expression.NewInput([]byte(order), headers, []expression.Step{
		step("early", "preprocess.late"),
		step("late", "body.userId + 1"),
		step("twice", "preprocess.late * 2"),
		step("broken", "body.type + 1"),
	})
	for text, want := range map[string]string{
		"preprocess.twice":      "86",
		"preprocess.late + 0":   "43",
		"preprocess":            `{"late":43,"twice":86}`,
		"has(preprocess.early)": "false",
	} {
		x, err := expression.Compile(text, expression.Any)
		if err != nil {
			t.Fatal(err)
		}
		got, err := x.Eval(in)
		if err != nil || string(got) != want {
			t.Errorf("%s = %s, %v; want %s", text, got, err, want)
		}
	}
	want := []string{
		"preprocess early: preprocess.late is not in the event; preprocess is empty",
		"preprocess broken: body.type + 1: cannot add a string and an integer; convert one with string(), int() or double()",
	}
	if diff := cmp.Diff(want, in.Failures()); diff != "" {
		t.Error(diff)
	}
}
