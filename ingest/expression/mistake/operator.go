// SPDX-License-Identifier: Apache-2.0

package mistake

import (
	"fmt"
	"slices"
	"strings"
)

// otherOperators maps operators of other languages to the operators of CEL.
var otherOperators = map[string]string{
	"===": "==", "!==": "!=", "=": "==", "<>": "!=", ">>": ">", "<<": "<", "=>": ">=", "=<": "<=", "&": "&&", "|": "||",
}

func otherOperator(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		operator, ok := otherOperators[t.text]
		if !ok || t.kind != symbol {
			continue
		}
		if t.is("=>") && f.token(i-1).kind == word && f.token(i-2).is("(") { // an arrow function of JavaScript
			return Mistake{t.from, `"=>" is not an operator`, "write a comma after the variable", f.replace(f.token(i-1).to, t.to, ",")}, true
		}
		problem := fmt.Sprintf("%q is not an operator", t.text)
		switch t.text {
		case "=":
			problem = `a single "=" compares nothing`
		case "&", "|":
			problem = fmt.Sprintf("a single %q is not an operator", t.text)
		}
		return Mistake{t.from, problem, "write " + operator, f.replaceToken(t, operator)}, true
	}
	return Mistake{}, false
}

// wordOperators maps operators that other languages write as words to the operators of CEL.
var wordOperators = map[string]string{"and": "&&", "or": "||", "not": "!"}

func isWordOperator(t token) bool {
	_, ok := wordOperators[strings.ToLower(t.text)]
	return ok && t.kind == word
}

func wordOperator(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		if !isWordOperator(t) || f.isField(i) || !f.startsOperand(i+1) {
			continue
		}
		m := Mistake{Offset: t.from, Problem: fmt.Sprintf("%q is not an operator", t.text)}
		operator := wordOperators[strings.ToLower(t.text)]
		m.Advice = "write " + operator
		if operator != "!" {
			m.Fixed = f.replaceToken(t, operator)
			return m, true
		}
		end := f.negated(i)
		text := f.slice(f.token(i+1).from, f.token(end-1).to)
		if end != f.operandAfter(i) { // ! binds more closely than a comparison
			text = "(" + text + ")"
		}
		m.Fixed = f.replace(t.from, f.token(end-1).to, "!"+text)
		return m, true
	}
	return Mistake{}, false
}

// negated returns the index of the token after the comparison that the word "not" at token i negates.
func (f *finder) negated(i int) int {
	end := i + 1
	for end < len(f.tokens) && !f.token(end).is("&&", "||", ")", "]", "}", ",", "?", ":") && !isWordOperator(f.token(end)) {
		if f.token(end).is("(", "[", "{") {
			end = f.closing(end)
		}
		end++
	}
	return max(end, i+2)
}

// optionalChain corrects body?.x, as JavaScript writes it.
func optionalChain(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		if t.is("?.") && f.touch(i-1) && f.touch(i) && f.endsOperand(i-1) && f.token(i+1).kind == word {
			return Mistake{t.from, `"?." is not an operator`, "to read a field that may be missing, write .?", f.replaceToken(t, ".?")}, true
		}
	}
	return Mistake{}, false
}

// defaultOperator corrects a ?? b, as JavaScript writes it.
func defaultOperator(f *finder) (Mistake, bool) {
	i := slices.IndexFunc(f.tokens, func(t token) bool { return t.is("??") })
	if i <= 0 || i == len(f.tokens)-1 {
		return Mistake{}, false
	}
	before, after := f.token(f.operandBefore(i)).from, f.token(f.operandAfter(i)-1).to
	call := fmt.Sprintf("coalesce(%s, %s)", f.slice(before, f.token(i-1).to), f.slice(f.token(i+1).from, after))
	return Mistake{f.token(i).from, `"??" is not an operator`, "write coalesce", f.replace(before, after, call)}, true
}
