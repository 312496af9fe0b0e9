// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"bytes"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// hiddenValues is the set of values to hide: the text of strings, and numbers as the sender wrote them.
type hiddenValues map[string]struct{}

// collect adds all strings and numbers in a JSON value.
func (v hiddenValues) collect(value []byte) {
	switch rawjson.KindOf(value) {
	case rawjson.Object, rawjson.Array:
		rewrite(nil, value, func(dst []byte, _ string, value []byte) []byte {
			v.collect(value)
			return dst
		})
	default:
		if text, ok := scalar(value); ok && text != "" {
			v[text] = struct{}{}
		}
	}
}

// scalar returns the text of a JSON string or number. It reports false for other values.
func scalar(value []byte) (text string, ok bool) {
	switch rawjson.KindOf(value) {
	case rawjson.String:
		return rawjson.Unquote(value), true
	case rawjson.Number:
		return string(value), true
	default:
		return "", false
	}
}

func (v hiddenValues) has(text string) bool {
	_, ok := v[text]
	return ok
}

// hasScalar reports whether a JSON value is a string or number in the set. It decodes a string only if the string has
// an escape.
func (v hiddenValues) hasScalar(value []byte) bool {
	switch rawjson.KindOf(value) {
	case rawjson.String:
		if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
			_, ok := v[string(inner)] // this conversion does not allocate memory
			return ok
		}
		return v.has(rawjson.Unquote(value))
	case rawjson.Number:
		_, ok := v[string(value)]
		return ok
	default:
		return false
	}
}

// redactEntry returns a copy of the entry with the values hidden in its type, keys, timestamp, reasons, notes and requests.
// It does not change the payload.
func (v hiddenValues) redactEntry(entry Entry) Entry {
	if len(v) == 0 {
		return entry
	}
	entry.Key, entry.OrderingKey, entry.Timestamp = v.redactExact(entry.Key), v.redactExact(entry.OrderingKey), v.redactExact(entry.Timestamp)
	entry.Type = v.redactText(entry.Type)
	entry.Reason, entry.Notes = v.redactText(entry.Reason), v.redactTexts(entry.Notes)
	entry.Actions = slices.Clone(entry.Actions)
	for i := range entry.Actions {
		action := &entry.Actions[i]
		action.Reason, action.Notes = v.redactText(action.Reason), v.redactTexts(action.Notes)
		action.Requests = slices.Clone(action.Requests)
		for j := range action.Requests {
			request := &action.Requests[j]
			request.Path, request.Response = v.redactPath(request.Path), v.redactText(request.Response)
			if len(request.Body) > 0 {
				request.Body = v.redactJSON(nil, request.Body)
			}
		}
	}
	return entry
}

// redactExact hides a text that equals one of the values.
func (v hiddenValues) redactExact(text string) string {
	if v.has(text) {
		return redacted
	}
	return text
}

// redactJSON appends value to dst with every scalar that equals one of the values hidden.
func (v hiddenValues) redactJSON(dst, value []byte) []byte {
	if v.hasScalar(value) {
		return rawjson.AppendQuote(dst, redacted)
	}
	return rewrite(dst, value, func(dst []byte, _ string, value []byte) []byte { return v.redactJSON(dst, value) })
}

// redactPath hides path segments and query values that equal one of the values.
func (v hiddenValues) redactPath(path string) string {
	path, query, hasQuery := strings.Cut(path, "?")
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if text, err := url.PathUnescape(segment); err == nil && v.has(text) {
			segments[i] = redacted
		}
	}
	path = strings.Join(segments, "/")
	if !hasQuery {
		return path
	}
	fields := strings.Split(query, "&")
	for i, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		if text, err := url.QueryUnescape(value); err == nil && v.has(text) {
			fields[i] = name + "=" + redacted
		}
	}
	return path + "?" + strings.Join(fields, "&")
}

func (v hiddenValues) redactTexts(texts []string) []string {
	texts = slices.Clone(texts)
	for i := range texts {
		texts[i] = v.redactText(texts[i])
	}
	return texts
}

// redactText hides the values in text that people read, such as a reason or the beginning of a response body. A
// response body can contain a value with JSON escapes, so redactText hides both forms. It replaces longer values first,
// because a short value may be part of a long one.
func (v hiddenValues) redactText(text string) string {
	if text == "" {
		return text
	}
	var wanted []string
	for value := range v {
		wanted = append(wanted, value)
		quoted := rawjson.Quote(value)
		if escaped := string(quoted[1 : len(quoted)-1]); escaped != value {
			wanted = append(wanted, escaped)
		}
	}
	slices.SortFunc(wanted, func(a, b string) int { return len(b) - len(a) })
	for _, value := range wanted {
		text = replaceWords(text, value)
	}
	return text
}

// replaceWords hides word where it is not part of a longer word: it hides 5 in "id 5" but not in "15".
func replaceWords(text, word string) string {
	var out strings.Builder
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return out.String() + text[from:]
		}
		at += from
		end := at + len(word)
		if joined(text, at) || joined(text, end) {
			_, size := utf8.DecodeRuneInString(text[at:])
			out.WriteString(text[from : at+size])
			from = at + size
			continue
		}
		out.WriteString(text[from:at] + redacted)
		from = end
	}
}

// joined reports whether the characters on both sides of an offset are letters or digits.
func joined(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return wordRune(before) && wordRune(after)
}

func wordRune(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
