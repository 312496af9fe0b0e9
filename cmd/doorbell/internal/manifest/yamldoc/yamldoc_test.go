// SPDX-License-Identifier: Apache-2.0

package yamldoc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// report returns the values and the mistakes of each document, and the problems of the documents that cannot be read.
func report(data string) []string {
	documents, problems := Parse("f", []byte(data))
	var lines []string
	for _, document := range documents {
		lines = append(lines, fmt.Sprint(document.Value))
		problems = append(problems, document.Mistakes()...)
	}
	for _, p := range problems {
		lines = append(lines, p.Error())
	}
	return lines
}

func TestParse(t *testing.T) {
	const (
		quotes  = "; correct the indentation, or put the whole value in quotes"
		noJSON  = "kubectl cannot convert this document to JSON; write it without tags, aliases, infinite numbers and keys that are not text"
		key     = "invalid YAML: did not find expected key" + quotes
		colon   = "invalid YAML: mapping values are not allowed in this context" + quotes
		noColon = "invalid YAML: could not find expected ':'" + quotes
		end     = "invalid YAML: found unexpected end of stream" + quotes
		start   = "invalid YAML: found character that cannot start any token" + quotes
	)
	for _, tc := range []struct {
		name, data string
		want       []string
	}{
		{"empty documents are skipped", "---\na: b\n---\n---\n# c\n---\nd: e\n", []string{"map[a:b]", "map[d:e]"}},
		{"values are those that kubectl reads", "a: yes\nb: 010\nc: 1_000\nd: 0x10\ne: 2026-01-01\nf: ~\n", []string{"map[a:true b:8 c:1000 d:16 e:2026-01-01 f:<nil>]"}},
		{"a document ends in the middle of a line", "a: b\n...\n", []string{"map[a:b]"}},
		{"a document begins on the line of the separator", "--- a\n", []string{"a"}},
		{"a key is a number", "1: a\n", []string{"map[1:a]"}},
		{"a field is given twice in the second document", "a: b\n---\na: b\na: c\n", []string{"map[a:b]", "map[a:c]", "f:4: a: given twice, first on line 3; remove one"}},
		{"a field with dots is given twice in a list", "a:\n- b.c: 1\n  b.c: 2\n", []string{"map[a:[map[b.c:2]]]", "f:3: a[0].b.c: given twice, first on line 2; remove one"}},
		{"a merge may be repeated", "b: &b {a: 1}\nc: {<<: *b, <<: *b}\n", []string{"map[b:map[a:1] c:map[a:1]]"}},
		{"a key is a boolean in YAML", "a:\n  off: b\n", []string{"map[a:map[false:b]]", "f:2: a.off: YAML reads this key as a boolean; put it in quotes"}},
		{"an expression begins with an exclamation mark", "a: !b.c\n", []string{"map[a:]", "f:1: a: YAML reads the ! at the beginning as a tag; put the whole value in quotes"}},
		{"a line is indented too far", "a:\n  b: c\n   d: e\n", []string{"f:3: " + colon}},
		{"a line is not indented enough", "a:\n    b: c\n  d: e\nf: g\n", []string{"f:3: " + key}},
		{"a mistake near the top of a long text", "a:\n    b: c\n  d: e\n" + strings.Repeat("f: g\n", 100_000), []string{"f:3: " + key}},
		{"a quote near the top of a long text", "a: b\nc: 'd\n" + strings.Repeat("f: g\n", 100_000), []string{"f:2: " + end}},
		{"the end of a list is not indented enough", "a:\n  - b\n c: d\n", []string{"f:3: " + key}},
		{"a tab", "a:\n\tb: c\n", []string{"f:2: " + start}},
		{"a colon is missing", "a:\n  b: 1\n  c\n  d: 2\n", []string{"f:3: " + noColon}},
		{"an expression contains a colon", "a: b\nc: d == 'e: f'\n", []string{"f:2: " + colon}},
		{"an expression begins with a quote", "a:\n  b: 'c' + d\n  e: f\n", []string{"f:2: " + key}},
		{"a quote is not closed", "a: b\n---\na: b\nc: \"d\ne: f\n", []string{"map[a:b]", "f:4: " + end}},
		{"a bracket is not closed", "a: [b\nc: d\n", []string{"f:1: invalid YAML: did not find expected ',' or ']'" + quotes}},
		{"an expression begins with a brace", "a: {b: c}.d\ne: f\n", []string{"f:1: " + key}},
		{"an expression begins with a sign", "a: @b\n", []string{"f:1: " + start}},
		{"an alias has no anchor", "a: *b\n", []string{"f:1: invalid YAML: YAML reads the * at the beginning as an alias" + quotes}},
		{"the anchor is in another document", "a: &b c\n---\nd: *b\n", []string{"map[a:c]", "f:3: invalid YAML: YAML reads the * at the beginning as an alias" + quotes}},
		{"an alias contains itself", "a: &b [*b]\n", []string{"f:1: " + noJSON}},
		{"aliases that expand to a billion values", laughs(), []string{"f:1: " + noJSON}},
		{"a mapping is a key", "{a: b}: c\n", []string{"f:1: " + noJSON}},
		{"a key is empty", "a:\n  ~: b\n", []string{"f:1: " + noJSON}},
		{"a merge of text", "<<: a\n", []string{"f:1: " + noJSON}},
		{"a number is infinite", "a: .inf\n", []string{"f:1: " + noJSON}},
		{"a value does not fit its tag", "a: !!int b\n", []string{"f:1: " + noJSON}},
		{"a document follows the end of another", "a: b\n...\nc: d\n", []string{`f:3: text after the end of the document; begin another document with a line "---"`}},
		{"a directive", "%YAML 1.2\n---\na: b\n", []string{"map[a:b]", "f:1: invalid YAML: found incompatible YAML document" + quotes}},
		{"a control character", "a: b\nc: \x01\n", []string{"f:1: invalid YAML: control characters are not allowed (value: 1)" + quotes}},
		{"text that is not UTF-8", "a: b\nc: \xff\n", []string{"f:1: invalid YAML: invalid leading UTF-8 octet (value: 255)" + quotes}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, report(tc.data)); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", tc.data, diff)
			}
		})
	}
}

func laughs() string {
	text := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		text += fmt.Sprintf("a%d: &a%d [%s*a%d]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 8), i)
	}
	return text
}

func TestPositionIsThatOfTheFieldOrItsNearestParent(t *testing.T) {
	documents, problems := Parse("f", []byte(`# comment
---
kind: List
items:
- metadata:
    labels: {app.kubernetes.io/name: a, app: b}
  spec: &spec
    when: >
      body.a
    list: [a,
      b: c]
    more: d
- spec: *spec
- spec:
    <<: [*spec]
    other: 1
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	items, _ := documents[0].Items()
	for _, tc := range []struct {
		item         int
		path         string
		line, column int
	}{
		{0, "", 5, 3},
		{0, "metadata", 5, 3},
		{0, "metadata.labels[app.kubernetes.io/name]", 6, 14},
		{0, "metadata.labels.app.kubernetes.io/name", 6, 14},
		{0, "metadata.labels.app", 6, 41},
		{0, ".spec.when", 8, 5},
		{0, "spec.list[1].b", 11, 7},
		{0, "spec.list[7].b", 10, 5},
		{0, "spec.list[-1]", 10, 5},
		{0, "spec.missing.more", 7, 3},
		{0, "missing", 5, 3},
		{1, "spec.when", 8, 5},
		{2, "spec.when", 14, 3},
		{2, "spec.other", 16, 5},
	} {
		if at := items[tc.item].Position(tc.path); at.File != "f" || at.Line != tc.line || at.Column != tc.column {
			t.Errorf("%q of item %d is at %v, want %d:%d", tc.path, tc.item, at, tc.line, tc.column)
		}
	}
}
