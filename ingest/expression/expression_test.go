// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
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

func TestValues(t *testing.T) {
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

func TestMissingIsToldFromFailing(t *testing.T) {
	for text, want := range map[string]string{
		"body.nope":                      "body.nope is not in the event",
		"body.type.deeper":               "body.type.deeper is not in the event",
		"body.properties.items.2":        "body.properties.items.2 is not in the event",
		"headers.x-nope":                 "headers.x-nope is not in the event",
		"preprocess.nope":                "preprocess.nope is not in the event",
		"body.nope + 1":                  "nope is not in the event",
		"body.?nope":                     "body.nope is not in the event",
		"body.?properties.?nope.?deeper": "body.?properties.?nope.?deeper is not in the event",
	} {
		_, err := eval(t, text, expression.Any)
		if _, ok := errors.AsType[*expression.MissingError](err); !ok {
			t.Errorf("%s: %v, want a MissingError", text, err)
			continue
		}
		if text != "body.?nope" && err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"body.huge + 1.0":             "the number 1e999 is too large to compute with",
		"body.properties.items[7]":    "index out of bounds: 7",
		"1 / (body.userId - 42)":      "division by zero",
		"1.0 / 0.0":                   "the result +Inf is no number in JSON",
		"body.type + 1":               "no such overload: string + int; convert with int(), double() or string()",
		"body.userId + 0.5":           "no such overload: int + double",
		"body.properties.total * 1.5": "no such overload: int * double; convert with int(), double() or string()",
		"body.type - 1":               "no such overload: string - int",
		"body.nil / 2":                "no such overload: null_type / int",
		"5 % body.type":               "no such overload: int % string",
		"body.type > 5":               "no such overload: string > int",
		"body.userId.contains('')":    "no such overload: contains(int, string)",
		"{1: 2}":                      "an object's keys must be strings",
		"type(body.type)":             "",
	} {
		x, err := expression.Compile(text, expression.Any)
		if err != nil {
			if want != "" {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		_, err = x.Eval(expression.NewInput([]byte(order), headers, nil))
		if _, ok := errors.AsType[*expression.EvalError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestCompileErrorsNameThePlace(t *testing.T) {
	for text, tc := range map[string]struct {
		kind expression.Kind
		want string
	}{
		"body.a +":              {expression.Any, "line 1, column 9: mismatched input '<EOF>'"},
		"true &&\n  totl > 1":   {expression.Bool, "line 2, column 3: unknown name totl; an expression starts from body, headers or preprocess"},
		"order-completed":       {expression.Any, "line 1, column 1: unknown name order"},
		"'text'":                {expression.Bool, "line 1, column 1: this gives string; a condition must give a boolean"},
		"body.a == 1":           {expression.ID, "line 1, column 1: this gives bool; an id is a string or an integer"},
		"[1]":                   {expression.Object, "this gives list(int); this field is an object"},
		"1.5":                   {expression.ID, "this gives double; an id is a string or an integer"},
		"now()":                 {expression.Any, "line 1, column 4: unknown function now"},
		"'ö' == é(1)":           {expression.Any, "line 1, column 8: "},
		"body.a.matches('(')":   {expression.Bool, "line 1, column 16: invalid matches argument"},
		"timestamp('tomorrow')": {expression.Any, "line 1, column 11: invalid timestamp argument"},
		strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300): {expression.Any, "line 1, column 1: expression recursion limit exceeded"},
		"body.?a.orValue(1) + ''":                                 {expression.Any, ""},
		"headers.a > 5":                                           {expression.Bool, "line 1, column 11: found no matching overload for '_>_'"},
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

func TestAMinusBetweenPathsGetsAWarning(t *testing.T) {
	x, err := expression.Compile("body.total-body.tax", expression.Any)
	if err != nil || !strings.Contains(x.Warning, "total-body") {
		t.Errorf("got %q, %v", x.Warning, err)
	}
	x, err = expression.Compile("body.total - body.tax", expression.Any)
	if err != nil || x.Warning != "" {
		t.Errorf("got %q, %v", x.Warning, err)
	}
}

func TestPreprocessStepsSeeEarlierOnes(t *testing.T) {
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
	want := []string{"preprocess early: preprocess.late is not in the event", "preprocess broken: no such overload: string + int; convert with int(), double() or string()"}
	if diff := cmp.Diff(want, in.Failures()); diff != "" {
		t.Error(diff)
	}
}
