// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// mistakes are expressions that authors write by mistake, the kind of the field, and the message on one line.
var mistakes = []struct {
	text string
	kind expression.Kind
	want string
}{
	// Operators of other languages
	{`body.properties.currency = 'EUR'`, expression.Bool, `line 1, column 26: a single "=" compares nothing; write ==: body.properties.currency == 'EUR'`},
	{`body.a === 1`, expression.Bool, `line 1, column 8: "===" is not an operator; write ==: body.a == 1`},
	{`body.a !== 1`, expression.Bool, `line 1, column 8: "!==" is not an operator; write !=: body.a != 1`},
	{`body.a <> 1`, expression.Bool, `line 1, column 8: "<>" is not an operator; write !=: body.a != 1`},
	{`body.a => 1`, expression.Bool, `line 1, column 8: "=>" is not an operator; write >=: body.a >= 1`},
	{`body.a =< 1`, expression.Bool, `line 1, column 8: "=<" is not an operator; write <=: body.a <= 1`},
	{`body.a >> 1`, expression.Bool, `line 1, column 8: ">>" is not an operator; write >: body.a > 1`},
	{`body.a << 1`, expression.Bool, `line 1, column 8: "<<" is not an operator; write <: body.a < 1`},
	{`body.a & body.b`, expression.Bool, `line 1, column 8: a single "&" is not an operator; write &&: body.a && body.b`},
	{`body.a | body.b`, expression.Bool, `line 1, column 8: a single "|" is not an operator; write ||: body.a || body.b`},
	{`body.a == 1 and body.b == 2`, expression.Bool, `line 1, column 13: "and" is not an operator; write &&: body.a == 1 && body.b == 2`},
	{`body.a == 1 OR body.b == 2`, expression.Bool, `line 1, column 13: "OR" is not an operator; write ||: body.a == 1 || body.b == 2`},
	{`not body.a`, expression.Bool, `line 1, column 1: "not" is not an operator; write !: !body.a`},
	{`not body.a == 1 and body.b == 1`, expression.Bool, `line 1, column 1: "not" is not an operator; write !: !(body.a == 1) && body.b == 1`},
	{`not (body.a == 1)`, expression.Bool, `line 1, column 1: "not" is not an operator; write !: !(body.a == 1)`},
	{`body.a = 1 and body.b = 2`, expression.Bool, `line 1, column 8: a single "=" compares nothing; write ==: body.a == 1 && body.b == 2`},
	{"body.a == 1 &&\n  body.b = 2", expression.Bool, `line 2, column 10: a single "=" compares nothing; write ==: body.b == 2`},
	{`body?.a`, expression.Text, `line 1, column 5: "?." is not an operator; to read a field that may be missing, write .?: body.?a`},
	{`body.a ?? 'x'`, expression.Text, `line 1, column 8: "??" is not an operator; write coalesce: coalesce(body.a, 'x')`},
	{`body.a ?? body.b ?? 'x'`, expression.Text, `line 1, column 8: "??" is not an operator; write coalesce: coalesce(coalesce(body.a, body.b), 'x')`},
	{`body.items.filter(x => x.id == 1)`, expression.Any, `line 1, column 21: "=>" is not an operator; write a comma after the variable: body.items.filter(x, x.id == 1)`},
	{`body.a + + `, expression.Text, `line 1, column 10: "+" is not expected here`},
	// Text without quotes
	{`web`, expression.Text, `line 1, column 1: unknown name "web": text needs quotes, and the fields of an event are below body; in YAML write "'web'", because YAML removes the outer quotes; the expression is then: 'web'`},
	{`Your big order`, expression.Text, `line 1, column 1: text needs quotes; in YAML write "'Your big order'", because YAML removes the outer quotes; the expression is then: 'Your big order'`},
	{`order-completed`, expression.Text, `line 1, column 1: text needs quotes; in YAML write "'order-completed'", because YAML removes the outer quotes; the expression is then: 'order-completed'`},
	{`Don't worry`, expression.Text, `line 1, column 1: text needs quotes; in YAML write '"Don''t worry"', because YAML removes the outer quotes; the expression is then: "Don't worry"`},
	{`https://example.com/x`, expression.Text, `line 1, column 1: text needs quotes; in YAML write "'https://example.com/x'", because YAML removes the outer quotes; the expression is then: 'https://example.com/x'`},
	{`user@example.com`, expression.Text, `line 1, column 1: text needs quotes; in YAML write "'user@example.com'", because YAML removes the outer quotes; the expression is then: 'user@example.com'`},
	{`string`, expression.Text, `line 1, column 1: "string" is not a value: text needs quotes; in YAML write "'string'", because YAML removes the outer quotes; the expression is then: 'string'`},
	{`Your big order`, expression.Bool, `line 1, column 1: text needs quotes; in YAML write "'Your big order'", because YAML removes the outer quotes`},
	{`body.currency == EUR`, expression.Bool, `line 1, column 18: unknown name "EUR": text needs quotes, and the fields of an event are below body; write 'EUR': body.currency == 'EUR'`},
	{`‘web’`, expression.Text, `line 1, column 1: a text cannot be in typographic quotes; write straight quotes: 'web'`},
	{`'web`, expression.Text, `line 1, column 1: the text that begins here has no closing quote; add ': 'web'`},
	{`body.a == "b`, expression.Bool, `line 1, column 11: the text that begins here has no closing quote; add ": body.a == "b"`},
	// Templates and JSONPath
	{`{{ body.x }}`, expression.Text, `line 1, column 1: templates such as {{ … }} do not work in an expression; write the path alone, and join texts with +: body.x`},
	{`{{ context.traits.email }}`, expression.Text, `line 1, column 1: templates such as {{ … }} do not work in an expression; write the path alone, and join texts with +: body.context.traits.email`},
	{`Hello {{ body.name }}!`, expression.Text, `line 1, column 7: templates such as {{ … }} do not work in an expression; write the path alone, and join texts with +: 'Hello ' + string(body.name) + '!'`},
	{`{{ body.a }} == 1`, expression.Bool, `line 1, column 1: templates such as {{ … }} do not work in an expression; write the path alone, and join texts with +: body.a == 1`},
	{`${body.x}`, expression.Text, `line 1, column 1: templates such as ${ … } do not work in an expression; write the path alone, and join texts with +: body.x`},
	{`$.properties.currency`, expression.Text, `line 1, column 1: "$" is not a variable: an expression is not JSONPath; write body: body.properties.currency`},
	{`$.items[*].id`, expression.Any, `line 1, column 1: "$" is not a variable: an expression is not JSONPath; write body`},
	// Names
	{`context.traits.email`, expression.Text, `line 1, column 1: unknown name "context": the fields of an event are below body; write body.context: body.context.traits.email`},
	{`properties.total > 5`, expression.Bool, `line 1, column 1: unknown name "properties": the fields of an event are below body; write body.properties: body.properties.total > 5`},
	{`userId`, expression.Text, `line 1, column 1: unknown name "userId": the fields of an event are below body; write body.userId: body.userId`},
	{`traits.email`, expression.Text, `line 1, column 1: unknown name "traits": the fields of an event are below body; write body.traits: body.traits.email`},
	{`type == 'track'`, expression.Bool, `line 1, column 1: "type" is a function of CEL: the fields of an event are below body; write body.type: body.type == 'track'`},
	{`timestamp`, expression.Text, `line 1, column 1: unknown name "timestamp": the fields of an event are below body; write body.timestamp: body.timestamp`},
	{`bdy.name`, expression.Text, `line 1, column 1: unknown name "bdy"; write body: body.name`},
	{`order.id`, expression.Text, `line 1, column 1: unknown name "order": the fields of an event are below body; write body.order: body.order.id`},
	{`totl > 100`, expression.Bool, `line 1, column 1: unknown name "totl": the fields of an event are below body; write body.totl: body.totl > 100`},
	{`True`, expression.Any, `line 1, column 1: unknown name "True"; write true: true`},
	{`body.a == None`, expression.Bool, `line 1, column 11: unknown name "None"; write null: body.a == null`},
	{`body.x-y == 1`, expression.Bool, `line 1, column 7: the hyphen in "x-y" subtracts here; write ['x-y']: body['x-y'] == 1`},
	{`headers.x-shopify-topic == 'orders/create'`, expression.Bool, `line 1, column 10: the hyphen in "x-shopify-topic" subtracts here; write ['x-shopify-topic']: headers['x-shopify-topic'] == 'orders/create'`},
	{`body.properties.order-id + '!'`, expression.Text, `line 1, column 22: the hyphen in "order-id" subtracts here; write ['order-id']: body.properties['order-id'] + '!'`},
	{`body.properties.in == 1`, expression.Bool, `line 1, column 17: the keyword "in" cannot follow a dot; write ['in']: body.properties['in'] == 1`},
	{`body.items.0.id == 1`, expression.Bool, `line 1, column 11: an index after a dot works only in an expression that is just a path; write [0]: body.items[0].id == 1`},
	// Functions
	{`lenght(body.a) > 1`, expression.Bool, `line 1, column 1: unknown function "lenght"; write size: size(body.a) > 1`},
	{`body.a.length() > 1`, expression.Bool, `line 1, column 8: unknown function "length"; write size: body.a.size() > 1`},
	{`body.a.toLowerCase()`, expression.Text, `line 1, column 8: unknown function "toLowerCase"; write lowerAscii: body.a.lowerAscii()`},
	{`body.a.toString()`, expression.Text, `line 1, column 8: unknown function "toString"; write string: string(body.a)`},
	{`math.max(1, 2)`, expression.Any, `line 1, column 6: unknown function "math.max"; write math.greatest: math.greatest(1, 2)`},
	{`math.rund(1.5)`, expression.Any, `line 1, column 6: unknown function "math.rund"; write math.round: math.round(1.5)`},
	{`now()`, expression.Text, `line 1, column 1: unknown function "now": an expression has no clock; use a time of the event, such as body.timestamp`},
	{`body.a.frobnicate()`, expression.Any, `line 1, column 8: unknown function "frobnicate"; expressions have the functions of CEL, and merge, omit and coalesce`},
	{`lowerAscii(body.a)`, expression.Text, `line 1, column 1: lowerAscii is called on a value; write VALUE.lowerAscii(…): body.a.lowerAscii()`},
	{`startsWith(body.a, 'x')`, expression.Bool, `line 1, column 1: startsWith is called on a value; write VALUE.startsWith(…): body.a.startsWith('x')`},
	{`body.a.string()`, expression.Text, `line 1, column 8: string is not called on a value; write string(VALUE): string(body.a)`},
	{`body.items.map(i)`, expression.Any, `line 1, column 12: map has the wrong number of arguments; for example, write list.map(x, VALUE)`},
	{`has(body)`, expression.Bool, `line 1, column 1: has() needs a field after a dot; for example, write has(body.email)`},
	{`has(headers['x-a'])`, expression.Bool, `line 1, column 1: has() needs a field after a dot; write in: 'x-a' in headers`},
	{`!has(body['x-a'])`, expression.Bool, `line 1, column 2: has() needs a field after a dot; write in: !('x-a' in body)`},
	{`size(5)`, expression.Any, `line 1, column 5: size does not accept an integer`},
	{`coalesce()`, expression.Any, `line 1, column 9: coalesce needs arguments`},
	// Brackets and missing parts
	{`(1 + 2`, expression.Any, `line 1, column 1: "(" is never closed; add ): (1 + 2)`},
	{`size(body.a`, expression.Any, `line 1, column 5: "(" is never closed; add ): size(body.a)`},
	{`body.a[0`, expression.Any, `line 1, column 7: "[" is never closed; add ]: body.a[0]`},
	{`1)`, expression.Any, `line 1, column 2: ")" closes nothing; remove it: 1`},
	{`(1]`, expression.Any, `line 1, column 3: "]" does not close "("; write ): (1)`},
	{`body.a ? 'x'`, expression.Any, `line 1, column 8: "?" needs two values, and the second is missing; add : and the value for the other case: body.a ? 'x' : ''`},
	{`body.a ? 1`, expression.Any, `line 1, column 8: "?" needs two values, and the second is missing; add : and the value for the other case: body.a ? 1 : 0`},
	{`body.a ? body.b`, expression.Bool, `line 1, column 8: "?" needs two values, and the second is missing; add : and the value for the other case: body.a ? body.b : false`},
	{`body.a +`, expression.Any, `line 1, column 9: the expression ends too early: a value is missing after +`},
	{`body.a ==`, expression.Bool, `line 1, column 10: the expression ends too early: a value is missing after ==`},
	{`body.a body.b`, expression.Any, `line 1, column 8: an operator is missing before body`},
	{`body.`, expression.Any, `line 1, column 6: the expression ends too early: a value is missing after .`},
	{`body..x`, expression.Any, `line 1, column 6: "." is not expected here`},
	{`body.a == 1;`, expression.Bool, `line 1, column 12: an expression does not end with ";"; remove it: body.a == 1`},
	{`if body.a`, expression.Any, `line 1, column 1: "if" is a reserved word; to choose between two values, write CONDITION ? VALUE : OTHER`},
	{``, expression.Any, `line 1, column 1: the expression is empty; for an empty text, write ''`},
	{`  `, expression.Any, `line 1, column 1: the expression is empty; for an empty text, write ''`},
	// Types
	{`headers.age > 5`, expression.Bool, `line 1, column 13: cannot compare a string with an integer; convert the text with double(): double(headers.age) > 5`},
	{`headers.age == 5`, expression.Bool, `line 1, column 13: cannot compare a string with an integer; put the number in quotes: headers.age == '5'`},
	{`size(body.x) == '3'`, expression.Bool, `line 1, column 14: cannot compare an integer with a string; remove the quotes: size(body.x) == 3`},
	{`size(body.x) == 1.5`, expression.Bool, `line 1, column 14: cannot compare an integer with a decimal number; convert the integer with double(): double(size(body.x)) == 1.5`},
	{`'Total: ' + 5`, expression.Text, `line 1, column 11: cannot add a string and an integer; convert the number with string(): 'Total: ' + string(5)`},
	{`'Total: ' + size(body.items)`, expression.Text, `line 1, column 11: cannot add a string and an integer; convert the number with string(): 'Total: ' + string(size(body.items))`},
	{`body.?a == 1`, expression.Bool, `line 1, column 1: cannot compare an optional with an integer: body.?a may have no value; choose the value of a missing field with orValue: body.?a.orValue(0) == 1`},
	{`body.?a.?b != 'x'`, expression.Bool, `line 1, column 1: cannot compare an optional with a string: body.?a.?b may have no value; choose the value of a missing field with orValue: body.?a.?b.orValue('') != 'x'`},
	{`body.?a && body.b`, expression.Bool, `line 1, column 5: && needs a boolean, not an optional; choose the value of a missing field with orValue: body.?a.orValue(false) && body.b`},
	{`body.?a - 1`, expression.Any, `line 1, column 1: cannot subtract an integer from an optional: body.?a may have no value; choose the value of a missing field with orValue: body.?a.orValue(0) - 1`},
	{`body.?a + body.?b`, expression.Text, `line 1, column 1: cannot add an optional and an optional: body.?a may have no value; choose the value of a missing field with orValue: body.?a.orValue('') + body.?b.orValue('')`},
	{`body.?a.startsWith('x')`, expression.Bool, `line 1, column 1: an optional has no function startsWith: body.?a may have no value; choose the value of a missing field with orValue: body.?a.orValue('').startsWith('x')`},
	{`body.items.all(i, i.?price > 5)`, expression.Bool, `line 1, column 19: cannot compare an optional with an integer: i.?price may have no value; choose the value of a missing field with orValue: body.items.all(i, i.?price.orValue(0) > 5)`},
	{`body.items.map(i, i.id) + 'x'`, expression.Any, `line 1, column 25: cannot add a list and a string; to append an element, put it into a list: body.items.map(i, i.id) + ['x']`},
	{`'x' + body.items.map(i, i.id)`, expression.Any, `line 1, column 5: cannot add a string and a list; to insert an element, put it into a list: ['x'] + body.items.map(i, i.id)`},
	{`[1] + 'x'`, expression.Any, `line 1, column 5: cannot add a list and a string; to append an element, put it into a list`},
	{`'a' in 'abc'`, expression.Bool, `line 1, column 5: "in" needs a list or an object after it, not a string; write contains: 'abc'.contains('a')`},
	{`body.a && 'x'`, expression.Bool, `line 1, column 11: && needs a boolean, not a string`},
	{`body.name || 'x'`, expression.Any, `line 1, column 14: || needs a boolean, not a string; for a default value, write coalesce(VALUE, DEFAULT)`},
	{`!'x'`, expression.Bool, `line 1, column 1: ! needs a boolean, not a string`},
	{`true ? 1 : 'a'`, expression.Any, `line 1, column 6: the two values of "?" have different types: an integer and a string; convert one of them, or write dyn() around it`},
	{`'x' ? 1 : 2`, expression.Any, `line 1, column 5: the condition before "?" is a string, not a boolean`},
	{`body.a.matches('(')`, expression.Bool, "line 1, column 16: \"(\" is not a regular expression: missing closing ): `(`"},
	{`timestamp('tomorrow')`, expression.Any, `line 1, column 11: "tomorrow" is not a timestamp; for example, write timestamp('2026-01-15T09:30:00Z')`},
	{`duration('soon')`, expression.Any, `line 1, column 10: "soon" is not a duration; for example, write duration('1h30m')`},
	// A value that its field cannot use
	{`'text'`, expression.Bool, `line 1, column 1: this gives a string; a condition needs a boolean`},
	{`body.a == 1`, expression.ID, `line 1, column 1: this gives a boolean; an id is a string or an integer`},
	{`1.5`, expression.ID, `line 1, column 1: this gives a decimal number; an id is a string or an integer`},
	{`[1]`, expression.Object, `line 1, column 1: this gives a list; this field needs an object`},
	{`size(body.a)`, expression.Text, `line 1, column 1: this gives an integer; this field needs a string; convert it with string(): string(size(body.a))`},
	{`true`, expression.List, `line 1, column 1: this gives a boolean; this field needs an id, an object with an id, or a list of them`},
}

func TestAMistakeIsExplainedWithTheCorrectedExpression(t *testing.T) {
	for _, tc := range mistakes {
		t.Run(tc.text, func(t *testing.T) {
			_, err := expression.Compile(tc.text, tc.kind)
			mistake, ok := errors.AsType[*expression.Error](err)
			if !ok {
				t.Fatalf("got %v, want an *expression.Error", err)
			}
			if diff := cmp.Diff(tc.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if mistake.Fix == "" {
				return
			}
			if _, err := expression.Compile(mistake.Fix, tc.kind); err != nil {
				t.Errorf("the corrected expression does not compile: %v", err)
			}
		})
	}
}

func TestDetailShowsTheExpressionWithACaret(t *testing.T) {
	long := strings.Repeat("body.a + ", 30)
	for text, want := range map[string]string{
		"body.properties.currency = 'EUR'": `
a single "=" compares nothing
  body.properties.currency = 'EUR'
                           ^
write ==: body.properties.currency == 'EUR'`,
		"body.a == 1 &&\n\tbody.name = 'ö'": `
a single "=" compares nothing
   body.name = 'ö'
             ^
write ==: body.name == 'ö'`,
		"'ö' + body.a body.b": `
an operator is missing before body
  'ö' + body.a body.b
               ^`,
		"body.a ==": `
the expression ends too early: a value is missing after ==
  body.a ==
           ^`,
		"if body.a": `
"if" is a reserved word
  if body.a
  ^
to choose between two values, write CONDITION ? VALUE : OTHER`,
		long + "and " + long: `
"and" is not an operator
  …y.a + body.a + body.a + body.a + body.a + body.a + body.a + and body.a + body.a + body.a + body.a + body.a + body.a + bo…
                                                               ^
write &&`,
	} {
		_, err := expression.Compile(text, expression.Any)
		mistake, ok := errors.AsType[*expression.Error](err)
		if !ok {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := "\n" + mistake.Detail(); !strings.HasPrefix(got, want) {
			t.Errorf("got%s\nwant%s", got, want)
		}
	}
}
