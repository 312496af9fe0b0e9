// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// monster returns about the most expensive body that the receiver accepts: a long string, a long list and a large
// object.
func monster() []byte {
	long := strings.Repeat("a", 1<<20)
	list := strings.TrimSuffix(strings.Repeat("1,", 200_000), ",")
	object := "{" + strings.TrimSuffix(strings.Repeat(`"k":{"a":[1,2,3]},`, 50_000), ",") + "}"
	return []byte(`{"s":"` + long + `","l":[` + list + `],"o":` + object + `,"f":"%.99999999f%s%s%s%s","n":2000000000,"r":"(a?){900}(a?){900}b"}`)
}

// hostile are expressions that would each occupy a worker for minutes, or use all memory, without the bounds.
var hostile = []string{
	"body.l.all(a, body.l.all(b, body.l.all(c, true)))",
	"body.l.map(a, body.l.map(b, a + b))",
	"body.l.map(x, body.s)",
	"body.l.map(x, body.s).join()",
	"body.l.map(x, body.o)",
	"body.s.replace('', body.s)",
	"body.s.replace('a', body.s)",
	"body.f.format([1.0, body.s, body.s, body.s, body.s])",
	"lists.range(body.n)",
	"lists.range(10000000).map(x, lists.range(10000000))",
	"body.l.distinct()",
	"lists.range(100000).distinct()",
	"body.s.indexOf(body.s + 'b')",
	"body.s.lastIndexOf('b' + body.s)",
	"body.s.matches(body.r)",
	"body.s.matches('(a?){900}(a?){900}b')",
	"body.l.all(x, body.o == body.o)",
	"body.l.all(x, body == body)",
	"body.l.all(x, body.s in [body.s + 'b', body.s + 'c'])",
	"body.l.all(x, body.s.lowerAscii() == body.s)",
	"body.l.all(x, merge(body, body).n > 0)",
	"body.l.all(x, size(omit(body, ['s'])) > 0)",
	"body.l.all(x, body.s.contains('b'))",
	"body.l.all(x, 2 in body.l)",
	"body.l.all(x, body.l == body.l)",
	"body.l.map(x, string(body.s) + body.s)",
	"body.l.sortBy(x, -x).map(y, body.l.sort())",
	"body.l.all(x, size(base64.encode(bytes(body.s))) > 0)",
	"body.l.map(x, body.l).flatten().map(y, body.l).flatten()",
	"[[body.l, body.l], [body.l, body.l]].flatten(3).map(x, body.l.reverse())",
	"body.l.all(x, body.s.split('').size() > 0)",
	"body.l.all(x, body.s.trim() < body.s)",
	"body.l.all(x, strings.quote(body.s) != '')",
	"body.l.all(x, has(body.o.k) && {'a': body.o} == {'a': body.o})",
	"body.l.all(x, [body.o] == [body.o])",
	"body.l.all(x, [body.s, body.s] == [body.s, body.s])",
	"body.l.all(x, type(body.l.slice(1, 199999)) == list)",
	"body.l.all(x, optional.of(body.o) == optional.of(body.o))",
	"body.l.all(x, body.s <= body.s)",
	"body.l.filter(x, body.l.exists_one(y, y == x))",
	"body.l.all(x, !(body.s in body.o))",
}

// TestEveryHostileExpressionEndsSoon passes if every hostile expression ends with a value or an error. Without the
// bounds, go test would stop it at its timeout.
func TestEveryHostileExpressionEndsSoon(t *testing.T) {
	body := monster()
	for _, text := range hostile {
		t.Run(text, func(t *testing.T) {
			x, err := expression.Compile(text, expression.Any)
			if err != nil {
				t.Fatal(err)
			}
			value, err := x.Eval(expression.NewInput(body, nil, nil))
			if len(value) > 10<<20 {
				t.Errorf("a result of %d bytes", len(value))
			}
			if _, ok := errors.AsType[*expression.EvalError](err); err != nil && !ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

func BenchmarkHostile(b *testing.B) {
	body := monster()
	for _, text := range hostile {
		x, err := expression.Compile(text, expression.Any)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(strings.ReplaceAll(text, "/", "|"), func(b *testing.B) {
			for b.Loop() {
				_, _ = x.Eval(expression.NewInput(body, nil, nil))
			}
		})
	}
}
