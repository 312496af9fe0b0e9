// SPDX-License-Identifier: Apache-2.0

package mistake

import (
	"fmt"
	"regexp"
	"strings"
)

func empty(f *finder) (Mistake, bool) {
	return Mistake{0, "the expression is empty", "for an empty text, write ''", ""}, len(f.tokens) == 0
}

var placeholder = regexp.MustCompile(`\{\{(.*?)\}\}|\$\{(.*?)\}`)

// template finds {{ … }} and ${ … }.
func template(f *finder) (Mistake, bool) {
	for _, t := range f.tokens {
		if t.is("{{", "${") {
			closing := map[string]string{"{{": "}}", "${": "}"}[t.text]
			return Mistake{
				t.from, fmt.Sprintf("templates such as %s … %s do not work in an expression", t.text, closing),
				"write the path alone, and join texts with +", untemplated(string(f.text)),
			}, true
		}
	}
	return Mistake{}, false
}

// untemplated turns "Order {{ id }}" into 'Order ' + string(id), and a template without text around it into its
// content.
func untemplated(text string) string {
	matches := placeholder.FindAllStringSubmatchIndex(text, -1)
	if matches == nil {
		return ""
	}
	content := func(m []int) string {
		if m[2] >= 0 {
			return strings.TrimSpace(text[m[2]:m[3]])
		}
		return strings.TrimSpace(text[m[4]:m[5]])
	}
	around := placeholder.ReplaceAllString(text, "")
	if strings.TrimSpace(around) == "" && len(matches) == 1 {
		return content(matches[0])
	}
	if strings.ContainsAny(around, `=<>&|'"`) { // an expression with placeholders in it, not a text
		return placeholder.ReplaceAllStringFunc(text, func(s string) string { return content(placeholder.FindStringSubmatchIndex(s)) })
	}
	var parts []string
	at := 0
	for _, m := range matches {
		if m[0] > at {
			parts = append(parts, quote(text[at:m[0]]))
		}
		parts = append(parts, "string("+content(m)+")")
		at = m[1]
	}
	if at < len(text) {
		parts = append(parts, quote(text[at:]))
	}
	return strings.Join(parts, " + ")
}

// jsonPath finds $.x, as JSONPath writes it.
func jsonPath(f *finder) (Mistake, bool) {
	for i, t := range f.tokens {
		if t.is("$") && f.token(i+1).is(".", "[") {
			return Mistake{t.from, `"$" is not a variable: an expression is not JSONPath`, "write body", f.replaceToken(t, "body")}, true
		}
	}
	return Mistake{}, false
}

const curlyQuotes = "“”„‘’‚«»"

// curlyQuote finds the quotes that word processors insert.
func curlyQuote(f *finder) (Mistake, bool) {
	for _, t := range f.tokens {
		if t.kind == symbol && strings.Contains(curlyQuotes, t.text) {
			fixed := strings.Map(func(c rune) rune {
				if strings.ContainsRune(curlyQuotes, c) {
					return '\''
				}
				return c
			}, string(f.text))
			return Mistake{t.from, "a text cannot be in typographic quotes", "write straight quotes", fixed}, true
		}
	}
	return Mistake{}, false
}

func openQuote(f *finder) (Mistake, bool) {
	for _, t := range f.tokens {
		if t.kind == openText {
			mark := strings.TrimLeft(t.text, "rRbB")[:1]
			return Mistake{t.from, "the text that begins here has no closing quote", "add " + mark, f.replace(f.end(), f.end(), mark)}, true
		}
	}
	return Mistake{}, false
}

// prose finds text without quotes, such as Your big order, order-completed or https://example.com.
func prose(f *finder) (Mistake, bool) {
	isText := false
	for i, t := range f.tokens {
		switch {
		case t.kind == quoted || isRoot(t) && f.token(i+1).is(".", "["):
			return Mistake{}, false
		case t.kind == openText && !f.touch(i-1): // not the apostrophe of a word
			return Mistake{}, false
		case t.kind == symbol && !strings.Contains("-–—.,;:!?&/#@%+’…", t.text):
			return Mistake{}, false
		}
		isText = isText || f.continuesText(i)
	}
	if !isText {
		return Mistake{}, false
	}
	return unquoted(0, strings.TrimSpace(string(f.text)), "text needs quotes"), true
}

// continuesText reports whether a token and the next one can be neighbours in a text, but not in an expression.
func (f *finder) continuesText(i int) bool {
	t, next := f.token(i), f.token(i+1)
	plain := t.kind == word && !isWordOperator(t) && !reservedWords[t.text]
	switch {
	case t.kind == symbol:
		return strings.Contains("#@:;,–—’…", t.text) || t.is("!", "?") && i == len(f.tokens)-1
	case !plain:
		return false
	default:
		return next.kind != symbol && !isWordOperator(next) || next.is("-") && f.touch(i)
	}
}

// Result ends the advice that must be followed by the corrected expression. Remove it if there is no corrected
// expression.
const Result = "; the expression is then"

// unquoted returns a mistake that advises the author to put the whole text into quotes.
func unquoted(offset int, text, problem string) Mistake {
	fixed := quote(text)
	advice := fmt.Sprintf("in YAML write %s, because YAML removes the outer quotes%s", inYAML(fixed), Result)
	return Mistake{offset, problem, advice, fixed}
}

// Unquoted returns the mistake of an author who wrote a text without quotes, or with quotes that YAML removed.
func Unquoted(text string) Mistake {
	return unquoted(0, text, fmt.Sprintf("%q is not a value: text needs quotes", text))
}

// quote returns text as a string literal of CEL.
func quote(text string) string {
	text = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace(text)
	if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `\'`) + "'"
}

// inYAML returns an expression as a quoted scalar of YAML.
func inYAML(expression string) string {
	if strings.ContainsAny(expression, `"\`) {
		return "'" + strings.ReplaceAll(expression, "'", "''") + "'"
	}
	return `"` + expression + `"`
}
