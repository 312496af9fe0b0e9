// SPDX-License-Identifier: Apache-2.0

package mistake

import (
	"fmt"
	"strings"
)

// keySegment finds a field whose name CEL reserves, as in body.properties.in == 1.
func keySegment(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		if t.kind == word && f.token(i-1).is(".") && (t.text == "in" || t.text == "true" || t.text == "false" || t.text == "null") {
			key := "['" + t.text + "']"
			problem := fmt.Sprintf("the keyword %q cannot follow a dot", t.text)
			return Mistake{t.from, problem, "write " + key, f.replace(f.token(i-1).from, t.to, key)}, true
		}
	}
	return Mistake{}, false
}

// indexSegment finds an index that is written as in a path: body.items.0.id == 1.
func indexSegment(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		if t.kind == number && f.token(i-1).is(".") && f.touch(i-1) {
			index := "[" + t.text + "]"
			return Mistake{
				f.token(i - 1).from, "an index after a dot works only in an expression that is just a path",
				"write " + index, f.replace(f.token(i-1).from, t.to, index),
			}, true
		}
	}
	return Mistake{}, false
}

// bracket finds a bracket without its counterpart.
func bracket(f *finder) (Mistake, bool) {
	var open []token
	for _, t := range f.tokens {
		switch {
		case t.is("(", "[", "{"):
			open = append(open, t)
		case t.is(")", "]", "}"):
			if len(open) > 0 && closers[open[len(open)-1].text] == t.text {
				open = open[:len(open)-1]
				continue
			}
			if len(open) == 0 {
				return Mistake{t.from, fmt.Sprintf("%q closes nothing", t.text), "remove it", f.replaceToken(t, "")}, true
			}
			last := open[len(open)-1]
			return Mistake{t.from, fmt.Sprintf("%q does not close %q", t.text, last.text), "write " + closers[last.text], f.replaceToken(t, closers[last.text])}, true
		}
	}
	if len(open) == 0 {
		return Mistake{}, false
	}
	missing := ""
	for _, t := range open {
		missing = closers[t.text] + missing
	}
	last := open[len(open)-1]
	return Mistake{last.from, fmt.Sprintf("%q is never closed", last.text), "add " + missing, f.replace(f.end(), f.end(), missing)}, true
}

// conditional finds CONDITION ? VALUE without the other value.
func conditional(f *finder) (Mistake, bool) {
	var open []token
	for i, t := range f.tokens {
		switch {
		case t.is("?") && !f.token(i-1).is(".", "[", "{", ","):
			open = append(open, t)
		case t.is(":") && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
	if len(open) == 0 || !f.endsOperand(len(f.tokens)-1) {
		return Mistake{}, false
	}
	question := open[len(open)-1]
	zero := f.zero
	switch value := f.token(f.at(question.from) + 1); { // both values need the same type
	case value.kind == quoted:
		zero = "''"
	case value.kind == number:
		zero = "0"
	case value.text == "true" || value.text == "false":
		zero = "false"
	}
	return Mistake{
		question.from, `"?" needs two values, and the second is missing`,
		"add : and the value for the other case", f.replace(f.end(), f.end(), " : "+zero),
	}, true
}

// hasMacro finds has(body['x']). CEL's has accepts only a field after a dot.
func hasMacro(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		if f.problem.ExprID == 0 || t.text != "has" || !f.token(i+1).is("(") {
			continue
		}
		end := f.closing(i + 1)
		if f.offset < t.from || f.offset > f.token(end).to {
			continue
		}
		m := Mistake{t.from, "has() needs a field after a dot", "for example, write has(body.email)", ""}
		if open := f.opening(end - 1); f.token(end-1).is("]") && open > i+2 {
			key, object := f.slice(f.token(open).to, f.token(end-1).from), f.slice(f.token(i+2).from, f.token(open).from)
			test := key + " in " + object
			if f.token(i - 1).is("!") {
				test = "(" + test + ")"
			}
			m.Advice, m.Fixed = "write in", f.replace(t.from, f.token(end).to, test)
		}
		return m, true
	}
	return Mistake{}, false
}

// reservedWords are names that CEL reserves for later versions of the language.
var reservedWords = map[string]bool{
	"as": true, "break": true, "const": true, "continue": true, "else": true, "for": true, "function": true, "if": true, "import": true,
	"let": true, "loop": true, "package": true, "namespace": true, "return": true, "var": true, "void": true, "while": true,
}

func reserved(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		if t.kind == word && reservedWords[t.text] && !f.isField(i) {
			m := Mistake{Offset: t.from, Problem: fmt.Sprintf("%q is a reserved word", t.text)}
			if t.text == "if" || t.text == "else" {
				m.Advice = "to choose between two values, write CONDITION ? VALUE : OTHER"
			}
			return m, true
		}
	}
	return Mistake{}, false
}

// adjacent finds two values without an operator between them.
func adjacent(f *finder) (Mistake, bool) {
	for i := 1; i < len(f.tokens); i++ {
		if t := f.token(i); f.endsOperand(i-1) && t.kind != symbol && f.token(i-1).text != "in" && t.text != "in" {
			return Mistake{t.from, fmt.Sprintf("an operator is missing before %s", shorten(t.text)), "", ""}, true
		}
	}
	return Mistake{}, false
}

// unexpected explains every other expression that CEL cannot parse.
func unexpected(f *finder) (Mistake, bool) {
	if !strings.HasPrefix(f.problem.Message, "Syntax error: ") {
		return Mistake{f.offset, f.problem.Message, "", ""}, true // not a syntax error: for example, the expression is too long
	}
	i := f.at(f.offset)
	if last := len(f.tokens) - 1; i == last && f.token(i).is(";") {
		return Mistake{f.token(i).from, `an expression does not end with ";"`, "remove it", f.replaceToken(f.token(i), "")}, true
	}
	if i < len(f.tokens) {
		return Mistake{f.token(i).from, fmt.Sprintf("%q is not expected here", shorten(f.token(i).text)), "", ""}, true
	}
	last := f.token(len(f.tokens) - 1)
	return Mistake{f.end(), fmt.Sprintf("the expression ends too early: a value is missing after %s", shorten(last.text)), "", ""}, true
}

// shorten returns a text on one line, with at most 40 characters.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if characters := []rune(text); len(characters) > 40 {
		return string(characters[:40]) + "…"
	}
	return text
}
