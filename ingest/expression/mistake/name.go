// SPDX-License-Identifier: Apache-2.0

package mistake

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"

	"github.com/doorbell-dev/doorbell/ingest/nearest"
)

// hyphenatedKey finds body.properties.order-id in a larger expression, where CEL subtracts id from
// body.properties.order.
func hyphenatedKey(f *finder) (Mistake, bool) {
	for i := range f.tokens {
		if !f.hyphenAfter(i) || !f.token(i-1).is(".") || !isRoot(f.token(f.operandBefore(i+1))) {
			continue
		}
		end := i
		for f.hyphenAfter(end) {
			end += 2
		}
		if isRoot(f.token(end)) {
			continue // body.total-body.tax is a subtraction
		}
		key := f.slice(f.token(i).from, f.token(end).to)
		return Mistake{
			f.token(i + 1).from, fmt.Sprintf("the hyphen in %q subtracts here", key), fmt.Sprintf("write ['%s']", key),
			f.replace(f.token(i-1).from, f.token(end).to, "['"+key+"']"),
		}, true
	}
	return Mistake{}, false
}

// hyphenAfter reports whether token i is a name, and a hyphen and another name follow it without spaces.
func (f *finder) hyphenAfter(i int) bool {
	return f.token(i).kind == word && f.token(i+1).is("-") && f.token(i+2).kind == word && f.touch(i) && f.touch(i+1)
}

// otherFunctions maps functions of other languages to the functions of CEL.
var otherFunctions = map[string]string{
	"length": "size", "len": "size", "count": "size", "toLowerCase": "lowerAscii", "toLower": "lowerAscii", "lower": "lowerAscii", "downcase": "lowerAscii",
	"toUpperCase": "upperAscii", "toUpper": "upperAscii", "upper": "upperAscii", "upcase": "upperAscii", "includes": "contains", "toString": "string",
	"str": "string", "parseInt": "int", "parseFloat": "double", "float": "double", "strip": "trim", "ifNull": coalesce, "nvl": coalesce,
	"round": "math.round", "abs": "math.abs", "floor": "math.floor", "ceil": "math.ceil", "max": "math.greatest", "min": "math.least",
	"any": "exists", "some": "exists", "every": "all", "keys": "map", "exists_any": "exists", "test": "matches",
}

const coalesce = "coalesce"

// macros maps each function that CEL expands before it checks the expression to an example of its use.
var macros = map[string]string{
	"all": "list.all(x, CONDITION)", "exists": "list.exists(x, CONDITION)", "exists_one": "list.exists_one(x, CONDITION)",
	"map": "list.map(x, VALUE)", "filter": "list.filter(x, CONDITION)", "has": "has(body.x)", "optMap": "optional.optMap(x, VALUE)",
	"optFlatMap": "optional.optFlatMap(x, OPTIONAL)", "sortBy": "list.sortBy(x, KEY)",
}

func unknownFunction(f *finder) (Mistake, bool) {
	name, ok := f.unknownFunctionName()
	if !ok {
		return Mistake{}, false
	}
	i := f.functionToken(name)
	t := f.token(i)
	m := Mistake{Offset: t.from, Problem: fmt.Sprintf("unknown function %q", name)}
	if form, ok := macros[name]; ok {
		m.Problem, m.Advice = fmt.Sprintf("%s has the wrong number of arguments", name), "for example, write "+form
		return m, true
	}
	if name == "now" || name == "today" {
		m.Problem, m.Advice = m.Problem+": an expression has no clock", "use a time of the event, such as body.timestamp"
		return m, true
	}
	near := f.nearestFunction(name)
	if near == "" {
		m.Advice = "expressions have the functions of CEL, and merge, omit and coalesce"
		return m, true
	}
	m.Advice = "write " + near
	m.Fixed = f.replace(f.functionStart(i, name), t.to, near)
	return m, true
}

// nearestFunction returns the function that the author of name probably meant, or "".
func (f *finder) nearestFunction(name string) string {
	if near := otherFunctions[name[strings.LastIndex(name, ".")+1:]]; near != "" {
		return near
	}
	if near := nearest.Word(name, f.functions()); near != "" {
		return near
	}
	return otherFunctions[nearest.Word(name, slices.Sorted(maps.Keys(otherFunctions)))]
}

// unknownFunctionName returns the name of the function that CEL does not know, with its namespace, such as math.rund.
func (f *finder) unknownFunctionName() (string, bool) {
	expr := f.find(f.problem.ExprID)
	if expr == nil || !strings.HasPrefix(f.problem.Message, undeclared) {
		return "", false
	}
	if expr.Kind() == ast.CallKind {
		return expr.AsCall().FunctionName(), true
	}
	if expr.Kind() != ast.IdentKind {
		return "", false
	}
	namespace := expr.AsIdent() + "."
	if !slices.ContainsFunc(f.functions(), func(name string) bool { return strings.HasPrefix(name, namespace) }) {
		return "", false
	}
	if i := f.at(f.offset); f.token(i+1).is(".") && f.token(i+3).is("(") {
		return namespace + f.token(i+2).text, true
	}
	return "", false
}

// functionToken returns the index of the token with the last part of a function's name.
func (f *finder) functionToken(name string) int {
	last := name[strings.LastIndex(name, ".")+1:]
	i := f.at(f.offset)
	for j := i; j >= 0; j-- {
		if f.token(j).text == last {
			return j
		}
	}
	for ; i < len(f.tokens); i++ {
		if f.token(i).text == last {
			return i
		}
	}
	return 0
}

func (f *finder) functionStart(i int, name string) int {
	return f.token(i - 2*strings.Count(name, ".")).from
}

// functions returns the names that an author can call.
func (f *finder) functions() []string {
	names := slices.Collect(maps.Keys(macros))
	for name := range f.env.Functions() {
		if !strings.ContainsAny(name, "_@?!-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// eventFields are top-level fields of RudderStack's events. In an expression, they are fields of body.
var eventFields = []string{
	"type", "event", "name", "userId", "anonymousId", "groupId", "previousId", "messageId", "context", "properties", "traits", "integrations",
	"channel", "timestamp", "originalTimestamp", "sentAt", "receivedAt", "rudderId", "category",
}

// otherLiterals maps constants of other languages to the constants of CEL.
var otherLiterals = map[string]string{
	"True": "true", "TRUE": "true", "yes": "true", "False": "false", "FALSE": "false", "no": "false", "None": "null", "nil": "null", "NULL": "null", "undefined": "null",
}

// amountOperators are operators that are seldom used with a text.
var amountOperators = []string{"<", "<=", ">", ">=", "-", "*", "/", "%"}

const textOrField = ": text needs quotes, and the fields of an event are below body"

func unknownName(f *finder) (Mistake, bool) {
	expr := f.find(f.problem.ExprID)
	if expr == nil || expr.Kind() != ast.IdentKind || !strings.HasPrefix(f.problem.Message, undeclared) {
		return Mistake{}, false
	}
	i := f.at(f.offset)
	t := f.token(i)
	name := t.text
	m := Mistake{Offset: t.from, Problem: fmt.Sprintf("unknown name %q", name)}
	with := func(problem, advice, text string) (Mistake, bool) {
		m.Problem += problem
		m.Advice, m.Fixed = advice+text, f.replaceToken(t, text)
		return m, true
	}
	object := f.token(i+1).is(".", "[")
	amount := f.token(i-1).is(amountOperators...) || f.token(i+1).is(amountOperators...) ||
		f.token(i+1).is("+") && f.token(i+2).kind == number || f.token(i-1).is("+") && f.token(i-2).kind == number
	switch {
	case otherLiterals[name] != "":
		return with("", "write ", otherLiterals[name])
	case slices.Contains(eventFields, name):
		return with(": the fields of an event are below body", "write ", "body."+name)
	case object && nearest.Word(name, roots) != "":
		return with("", "write ", nearest.Word(name, roots))
	case object, amount:
		return with(": the fields of an event are below body", "write ", "body."+name)
	case len(f.tokens) == 1:
		return unquoted(t.from, name, m.Problem+textOrField), true
	default:
		return with(textOrField, "write ", quote(name))
	}
}

// typeName finds a field that has the name of one of CEL's types, as in type == 'track'.
func typeName(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		if t.kind == word && slices.Contains(eventFields, t.text) && f.isType(t.text) && !f.isField(i) && !f.token(i+1).is("(") {
			return Mistake{
				t.from, fmt.Sprintf("%q is a function of CEL: the fields of an event are below body", t.text),
				"write body." + t.text, f.replaceToken(t, "body."+t.text),
			}, true
		}
	}
	return Mistake{}, false
}
