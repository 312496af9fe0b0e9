// SPDX-License-Identifier: Apache-2.0

// Package mistake explains in plain words why an expression does not compile, and corrects it. Package expression calls
// it, after CEL has rejected an expression. It must never reject an expression itself, and never change one that works.
package mistake

import (
	"cmp"
	"slices"
	"unicode"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
)

// Mistake is one mistake in an expression.
type Mistake struct {
	// Offset is the number of characters before the mistake.
	Offset int
	// Problem says what is wrong.
	Problem string
	// Advice says how to correct it. It is "" if there is no advice.
	Advice string
	// Fixed is the expression without this mistake, which can still have other mistakes. It is "" if Find cannot
	// correct it.
	Fixed string
}

// roots are the variables of an expression.
var roots = []string{"body", "headers", "preprocess"}

// finder finds one mistake in an expression.
type finder struct {
	env    *cel.Env
	text   []rune
	tokens []token
	zero   string // the text of a value that the field accepts
	// parsed is the syntax tree; nil if CEL could not parse the expression.
	parsed *ast.AST
	// problem is the first mistake that CEL reported.
	problem *common.Error
	offset  int // the place of problem
}

// Find returns the mistake that keeps CEL from compiling an expression. zero is the text of a value that the field of
// the expression accepts, such as false for a condition.
func Find(env *cel.Env, text, zero string) Mistake {
	f := &finder{env: env, text: []rune(text), zero: zero}
	f.tokens = tokenize(f.text)
	parsed, issues := env.Parse(text)
	if issues.Err() == nil {
		f.parsed = parsed.NativeRep()
		_, issues = env.Check(parsed)
	}
	f.problem = first(issues)
	f.offset = f.offsetOf(f.problem.Location)
	finders := syntaxMistakes
	if f.parsed != nil {
		finders = typeMistakes
	}
	for _, find := range finders {
		if m, ok := find(f); ok {
			return m
		}
	}
	return Mistake{Offset: f.offset, Problem: f.problem.Message}
}

// Find tries syntaxMistakes in this order if CEL cannot parse the expression, and typeMistakes if it can.
var (
	syntaxMistakes = []func(*finder) (Mistake, bool){
		empty, template, jsonPath, curlyQuote, prose, openQuote, otherOperator, wordOperator, optionalChain, defaultOperator, keySegment,
		indexSegment, bracket, conditional, hasMacro, reserved, adjacent, unexpected,
	}
	typeMistakes = []func(*finder) (Mistake, bool){
		hyphenatedKey, wordOperator, prose, unknownFunction, unknownName, typeName, optionalOperand, operands, optionalReceiver, callStyle, branches,
		condition, literal, arguments,
	}
)

// first returns the leftmost mistake. It skips a type error that is only a consequence of another one: CEL reports both
// an unknown name and the operator beside it.
func first(issues *cel.Issues) *common.Error {
	errors := slices.SortedStableFunc(slices.Values(issues.Errors()), func(a, b *common.Error) int {
		return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
	})
	if len(errors) == 0 {
		return &common.Error{Location: common.NewLocation(1, 0), Message: issues.Err().Error()}
	}
	if i := slices.IndexFunc(errors, func(e *common.Error) bool { return !isConsequence(e.Message) }); i >= 0 {
		return errors[i]
	}
	return errors[0]
}

// offsetOf returns the number of characters before a location.
func (f *finder) offsetOf(location common.Location) int {
	line, offset := 1, 0
	for offset < len(f.text) && line < location.Line() {
		if f.text[offset] == '\n' {
			line++
		}
		offset++
	}
	return min(offset+max(location.Column(), 0), len(f.text))
}

// at returns the index of the token at an offset or, between two tokens, of the next one. After the last token it
// returns the number of tokens.
func (f *finder) at(offset int) int {
	for i, t := range f.tokens {
		if offset < t.to {
			return i
		}
	}
	return len(f.tokens)
}

// token returns the token at index i, or an empty symbol if there is no such token.
func (f *finder) token(i int) token {
	if i < 0 || i >= len(f.tokens) {
		return token{kind: symbol, from: len(f.text), to: len(f.text)}
	}
	return f.tokens[i]
}

// touch reports whether no space separates a token from the next one.
func (f *finder) touch(i int) bool {
	return i >= 0 && i+1 < len(f.tokens) && f.tokens[i].to == f.tokens[i+1].from
}

// replace returns the expression with other text between two offsets.
func (f *finder) replace(from, to int, with string) string {
	return f.slice(0, from) + with + f.slice(max(from, to), len(f.text))
}

func (f *finder) replaceToken(t token, with string) string { return f.replace(t.from, t.to, with) }

// slice returns the text between two offsets. It is empty if they are in the wrong order, which a broken expression can
// cause.
func (f *finder) slice(from, to int) string { return string(f.text[min(from, to):to]) }

// end returns the offset after the last character that is not white space.
func (f *finder) end() int {
	end := len(f.text)
	for end > 0 && unicode.IsSpace(f.text[end-1]) {
		end--
	}
	return end
}

// isField reports whether a token is a name after a dot, as in body.and.
func (f *finder) isField(i int) bool {
	return f.token(i-1).is(".", "?.") || f.token(i-1).is("?") && f.token(i-2).is(".")
}

// endsOperand reports whether a value can end with a token.
func (f *finder) endsOperand(i int) bool {
	t := f.token(i)
	return t.kind != symbol || t.is(")", "]", "}")
}

// startsOperand reports whether a value can begin with a token.
func (f *finder) startsOperand(i int) bool {
	t := f.token(i)
	return t.kind != symbol || t.is("(", "[", "{", "!", "-")
}

var closers = map[string]string{"(": ")", "[": "]", "{": "}"}

// operandBefore returns the index of the first token of the value that ends before token i.
func (f *finder) operandBefore(i int) int {
	for i--; i > 0; i-- {
		if f.token(i).is(")", "]", "}") {
			i = f.opening(i)
			if f.touch(i-1) && f.endsOperand(i-1) {
				continue
			}
		}
		switch {
		case f.token(i - 1).is("."):
			i--
		case f.token(i-1).is("?") && f.token(i-2).is("."):
			i -= 2
		default:
			return max(i, 0)
		}
	}
	return max(i, 0)
}

// operandAfter returns the index of the token after the value that begins after token i.
func (f *finder) operandAfter(i int) int {
	for i++; f.token(i).is("!", "-"); i++ {
	}
	for ; i < len(f.tokens); i++ {
		if f.token(i).is("(", "[", "{") {
			i = f.closing(i)
		}
		switch next := f.token(i + 1); {
		case next.is("."):
			i++
			if f.token(i + 1).is("?") {
				i++
			}
		case next.is("(", "[") && f.touch(i):
		default:
			return min(i+1, len(f.tokens))
		}
	}
	return len(f.tokens)
}

// opening returns the index of the bracket that the bracket at token i closes.
func (f *finder) opening(i int) int {
	for depth := 0; i >= 0; i-- {
		if f.token(i).is(")", "]", "}") {
			depth++
		} else if f.token(i).is("(", "[", "{") {
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return 0
}

// closing returns the index of the bracket that closes the bracket at token i.
func (f *finder) closing(i int) int {
	for depth := 0; i < len(f.tokens); i++ {
		if f.token(i).is("(", "[", "{") {
			depth++
		} else if f.token(i).is(")", "]", "}") {
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(f.tokens) - 1
}

func isRoot(t token) bool { return t.kind == word && slices.Contains(roots, t.text) }
