// SPDX-License-Identifier: Apache-2.0

package mistake

import (
	"slices"
	"strings"
	"unicode"
)

// kind is the kind of a token.
type kind int

const (
	word     kind = iota // a name or a keyword
	number               // digits, perhaps with a fraction
	quoted               // a string literal
	openText             // a string literal without its closing quote
	symbol               // an operator, a bracket or any other character
)

// token is a piece of an expression. Offsets count characters, as CEL's positions do.
type token struct {
	kind     kind
	text     string
	from, to int
}

func (t token) is(texts ...string) bool { return t.kind == symbol && slices.Contains(texts, t.text) }

// symbols are the operators of several characters, longest first: the operators of CEL, and operators of other
// languages that authors write by mistake.
var symbols = []string{"===", "!==", "==", "!=", "<=", ">=", "=>", "=<", "<>", ">>", "<<", "&&", "||", "??", "?.", "{{", "${"}

// lexer splits an expression into tokens. The lexer of CEL drops the characters that it does not know. Package mistake
// needs them, because they show what the author meant.
type lexer struct {
	text   []rune
	at     int
	tokens []token
}

func tokenize(text []rune) []token {
	l := lexer{text: text}
	for l.at < len(text) {
		l.next()
	}
	return l.tokens
}

func (l *lexer) next() {
	c := l.text[l.at]
	switch {
	case unicode.IsSpace(c):
		l.at++
	case strings.HasPrefix(string(l.text[l.at:min(l.at+2, len(l.text))]), "//"):
		for l.at < len(l.text) && l.text[l.at] != '\n' {
			l.at++
		}
	case c == '\'' || c == '"':
		l.quoted(l.at)
	case c == '`':
		l.quoted(l.at)
	case isDigit(c):
		l.number()
	case isLetter(c):
		l.word()
	default:
		l.symbol()
	}
}

func (l *lexer) add(kind kind, from int) {
	l.tokens = append(l.tokens, token{kind, string(l.text[from:l.at]), from, l.at})
}

// quoted reads a string literal whose prefix begins at from.
func (l *lexer) quoted(from int) {
	quote := l.text[l.at : l.at+1]
	if l.at+2 < len(l.text) && l.text[l.at+1] == quote[0] && l.text[l.at+2] == quote[0] {
		quote = l.text[l.at : l.at+3]
	}
	raw := strings.ContainsAny(string(l.text[from:l.at]), "rR")
	for l.at += len(quote); l.at < len(l.text); l.at++ {
		if l.text[l.at] == '\\' && !raw {
			l.at++
			continue
		}
		if end := l.at + len(quote); end <= len(l.text) && slices.Equal(l.text[l.at:end], quote) {
			l.at = end
			l.add(quoted, from)
			return
		}
	}
	l.at = len(l.text)
	l.add(openText, from)
}

// number reads digits. Digits after a dot are an index, so that items.0.1 has the indexes 0 and 1, not the number 0.1.
func (l *lexer) number() {
	from, index := l.at, len(l.tokens) > 0 && l.tokens[len(l.tokens)-1].is(".") && l.tokens[len(l.tokens)-1].to == l.at
	for l.at < len(l.text) {
		c := l.text[l.at]
		fraction := c == '.' && !index && l.at+1 < len(l.text) && isDigit(l.text[l.at+1])
		if !fraction && !isDigit(c) && !isLetter(c) {
			break
		}
		l.at++
	}
	l.add(number, from)
}

func (l *lexer) word() {
	from := l.at
	for l.at < len(l.text) && (isLetter(l.text[l.at]) || isDigit(l.text[l.at])) {
		l.at++
	}
	if prefix := string(l.text[from:l.at]); l.at < len(l.text) && (l.text[l.at] == '\'' || l.text[l.at] == '"') &&
		len(prefix) <= 2 && strings.Trim(prefix, "rRbB") == "" {
		l.quoted(from)
		return
	}
	l.add(word, from)
}

func (l *lexer) symbol() {
	from := l.at
	rest := string(l.text[l.at:min(l.at+3, len(l.text))])
	l.at++
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			l.at = from + len(s)
			break
		}
	}
	l.add(symbol, from)
}

func isDigit(c rune) bool { return c >= '0' && c <= '9' }

func isLetter(c rune) bool { return c == '_' || unicode.IsLetter(c) }
