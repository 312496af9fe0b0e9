// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// secrets are the values to hide: the text of strings, and numbers as they are written.
type secrets map[string]struct{}

// collect adds the strings and numbers of a value.
func (s secrets) collect(value []byte) {
	switch rawjson.KindOf(value) {
	case rawjson.Object, rawjson.Array:
		rewrite(nil, value, func(dst []byte, _ string, value []byte) []byte {
			s.collect(value)
			return dst
		})
	default:
		if text, ok := scalar(value); ok && text != "" {
			s[text] = struct{}{}
		}
	}
}

// scalar is the text of a string or a number.
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

func (s secrets) has(text string) bool {
	_, ok := s[text]
	return ok
}

// entry returns a copy that holds none of the secrets, but for its payload.
func (s secrets) entry(entry Entry) Entry {
	if len(s) == 0 {
		return entry
	}
	entry.Key, entry.OrderingKey, entry.Timestamp = s.whole(entry.Key), s.whole(entry.OrderingKey), s.whole(entry.Timestamp)
	entry.Reason, entry.Notes = s.text(entry.Reason), s.texts(entry.Notes)
	entry.Actions = slices.Clone(entry.Actions)
	for i := range entry.Actions {
		action := &entry.Actions[i]
		action.Reason, action.Notes = s.text(action.Reason), s.texts(action.Notes)
		action.Requests = slices.Clone(action.Requests)
		for j := range action.Requests {
			request := &action.Requests[j]
			request.Path, request.Response = s.path(request.Path), s.text(request.Response)
			if len(request.Body) > 0 {
				request.Body = s.json(nil, request.Body)
			}
		}
	}
	return entry
}

// whole hides a text that is a secret.
func (s secrets) whole(text string) string {
	if s.has(text) {
		return redacted
	}
	return text
}

// json appends a value in which scalars that are secrets are hidden.
func (s secrets) json(dst, value []byte) []byte {
	if text, ok := scalar(value); ok && s.has(text) {
		return append(dst, rawjson.Quote(redacted)...)
	}
	return rewrite(dst, value, func(dst []byte, _ string, value []byte) []byte { return s.json(dst, value) })
}

// path hides segments, and values of the query, that are secrets.
func (s secrets) path(path string) string {
	path, query, hasQuery := strings.Cut(path, "?")
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if text, err := url.PathUnescape(segment); err == nil && s.has(text) {
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
		if text, err := url.QueryUnescape(value); err == nil && s.has(text) {
			fields[i] = name + "=" + redacted
		}
	}
	return path + "?" + strings.Join(fields, "&")
}

func (s secrets) texts(texts []string) []string {
	texts = slices.Clone(texts)
	for i := range texts {
		texts[i] = s.text(texts[i])
	}
	return texts
}

// text hides secrets in something that people read, such as the beginning of a body; they may be escaped as in JSON there. Longer
// ones go first, for one may hold another.
func (s secrets) text(text string) string {
	if text == "" {
		return text
	}
	var wanted []string
	for secret := range s {
		wanted = append(wanted, secret)
		quoted := rawjson.Quote(secret)
		if escaped := string(quoted[1 : len(quoted)-1]); escaped != secret {
			wanted = append(wanted, escaped)
		}
	}
	slices.SortFunc(wanted, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range wanted {
		text = replaceWords(text, secret)
	}
	return text
}

// replaceWords hides word where it stands by itself: 5 in "id 5", not in "15".
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

// joined reports whether letters or digits stand on both sides of an offset.
func joined(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return wordRune(before) && wordRune(after)
}

func wordRune(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
