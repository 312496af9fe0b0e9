// SPDX-License-Identifier: Apache-2.0

package text

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// report is what Parse says in short: an error, or the values and the problems.
func report(data string) []string {
	nodes, err := Parse([]byte(data))
	if problem, ok := errors.AsType[*Problem](err); ok {
		return []string{fmt.Sprintf("error in line %d: %v", problem.Line, problem)}
	}
	var lines []string
	for _, node := range nodes {
		lines = append(lines, fmt.Sprint(node.Value))
		for _, problem := range node.Problems {
			lines = append(lines, fmt.Sprintf("line %d, column %d: %v", problem.Line, problem.Column, &problem))
		}
	}
	return lines
}

func TestParse(t *testing.T) {
	const (
		indentation = "not YAML: the indentation does not fit the lines above"
		colon       = "not YAML: a second colon, or a line indented too far; put the value in quotes, or correct the indentation"
		quotes      = "not YAML: the quotes do not enclose the whole value; put the whole value in quotes, and those within it in the other kind"
		bracket     = "not YAML: the bracket is not closed, or something follows it; if this is an expression, put it in quotes"
		another     = "not YAML: another document begins here; put a line with --- above it, and leave out directives such as %YAML"
		endless     = "the aliases of this document expand without end; write the values out"
	)
	for _, tc := range []struct {
		name, data string
		want       []string
	}{
		{"documents, of which empty ones are left out", "---\na: b\n---\n---\n# c\n---\nd: e\n", []string{"map[a:b]", "map[d:e]"}},
		{"values as kubectl reads them", "a: yes\nb: 010\nc: 1_000\nd: 0x10\ne: 2026-01-01\nf: ~\n", []string{"map[a:true b:8 c:1000 d:16 e:2026-01-01 f:<nil>]"}},
		{"a document that ends in the middle of a line", "a: b\n...\n", []string{"map[a:b]"}},
		{"a key that is no text", "1: a\n", []string{"map[1:a]"}},
		{"a key that is something else to YAML", "a:\n  off: b\n", []string{"map[a:map[false:b]]", "line 2, column 3: a.false: YAML reads the key off as false; put it in quotes"}},
		{"a key given twice, in the second document", "a: b\n---\na: b\na: c\n", []string{"map[a:b]", "map[a:c]", "line 4, column 1: a: given twice, first on line 3; keep one"}},
		{"a key with dots given twice, in a list", "a:\n- b.c: 1\n  b.c: 2\n", []string{"map[a:[map[b.c:2]]]", "line 3, column 3: a[0][b.c]: given twice, first on line 2; keep one"}},
		{"a tag of one's own", "a: !b.c\n", []string{"map[a:]", "line 1, column 4: a: begins with !, which YAML takes for a tag; put the whole value in quotes"}},
		{"a line that is indented too far", "a:\n  b: c\n   d: e\n", []string{"error in line 3: " + colon}},
		{"a line that is indented too little", "a:\n    b: c\n  d: e\nf: g\n", []string{"error in line 3: " + indentation}},
		{"a mistake near the top of a long text", "a:\n    b: c\n  d: e\n" + strings.Repeat("f: g\n", 100_000), []string{"error in line 3: " + indentation}},
		{"a quote near the top of a long text", "a: b\nc: 'd\n" + strings.Repeat("f: g\n", 100_000), []string{"error in line 2: " + quotes}},
		{"a list that is indented less than its end", "a:\n  - b\n c: d\n", []string{"error in line 3: " + indentation}},
		{"a tab", "a:\n\tb: c\n", []string{"error in line 2: not YAML: the line is indented with a tab; use spaces"}},
		{"a colon that is missing", "a:\n  b: 1\n  c\n  d: 2\n", []string{"error in line 3: not YAML: a colon after the key is missing"}},
		{"a colon too many", "a: b\nc: d == 'e: f'\n", []string{"error in line 2: " + colon}},
		{"an expression that begins with a quote", "a:\n  b: 'c' + d\n  e: f\n", []string{"error in line 2: " + quotes}},
		{"a quote that does not end", "a: b\n---\na: b\nc: \"d\ne: f\n", []string{"error in line 4: " + quotes}},
		{"a bracket that does not end", "a: [b\nc: d\n", []string{"error in line 1: " + bracket}},
		{"an expression that begins with a brace", "a: {b: c}.d\ne: f\n", []string{"error in line 1: " + bracket}},
		{"an expression that begins with a sign", "a: @b\n", []string{"error in line 1: not YAML: a value cannot begin with @; put the whole value in quotes"}},
		{"an alias of nothing", "a: *b\n", []string{"error in line 1: not YAML: * begins an alias or an anchor; if a value was meant, put it in quotes"}},
		{"an alias of another document", "a: &b c\n---\nd: *b\n", []string{"error in line 3: not YAML: * begins an alias or an anchor; if a value was meant, put it in quotes"}},
		{"an alias within what it stands for", "a: &b [*b]\n", []string{"error in line 1: " + endless}},
		{"a billion laughs", laughs(), []string{"error in line 1: " + endless}},
		{"a mapping as a key", "{a: b}: c\n", []string{"error in line 1: a mapping or a list cannot be a key; is a brace or a quote missing?"}},
		{"an empty key", "a:\n  ~: b\n", []string{"error in line 2: a: a key is empty; name it, or put it in quotes"}},
		{"a merge of text", "<<: a\n", []string{"error in line 1: << merges a mapping or a list of mappings, and here it is given something else"}},
		{"an infinite number", "a: .inf\n", []string{"error in line 1: a number in this document is infinite or not a number; put it in quotes"}},
		{"a value that does not fit its tag", "a: !!int b\n", []string{"error in line 1: a value in this document does not fit its tag !!int; remove the tag"}},
		{"a document that begins on the line of the separator", "--- a\n", []string{"error in line 1: only a comment may follow --- ; begin the document on the next line"}},
		{"a document after the end of another", "a: b\n...\nc: d\n", []string{"error in line 3: " + another}},
		{"a directive", "%YAML 1.2\n---\na: b\n", []string{"error in line 1: " + another}},
		{"a control character", "a: b\nc: \x01\n", []string{"error in line 2: the control character U+0001 cannot stand in YAML; remove it"}},
		{"text that is not UTF-8", "a: b\nc: \xff\n", []string{"error in line 2: not UTF-8; save the file as UTF-8"}},
		{"UTF-16", "\xff\xfea\x00", []string{"error in line 1: the file is UTF-16; save it as UTF-8"}},
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

func TestPosition(t *testing.T) {
	nodes, err := Parse([]byte(`# comment
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
    010: octal
- spec: *spec
- spec:
    <<: [*spec]
    other: 1
`))
	if err != nil {
		t.Fatal(err)
	}
	items := nodes[0].Items()
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
		{0, "spec.8", 12, 5},
		{0, "spec.missing.more", 7, 3},
		{0, "missing", 5, 3},
		{1, "spec.when", 8, 5},
		{2, "spec.when", 8, 5},
		{2, "spec.other", 16, 5},
	} {
		if line, column := items[tc.item].Position(tc.path); line != tc.line || column != tc.column {
			t.Errorf("%q of item %d is at %d:%d, want %d:%d", tc.path, tc.item, line, column, tc.line, tc.column)
		}
	}
}
