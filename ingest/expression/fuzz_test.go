// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// FuzzAMistakeIsExplained checks the explanation of every mistake: it must not panic, its place must be inside the
// expression, its one-line form must have one line, and its corrected expression must compile.
func FuzzAMistakeIsExplained(f *testing.F) {
	for _, m := range mistakes {
		f.Add(m.text, int(m.kind))
	}
	for _, text := range hostile {
		f.Add(text, int(expression.Any))
		f.Add(text[:len(text)-1], int(expression.Bool))
	}
	f.Fuzz(func(t *testing.T, text string, number int) {
		kind := expression.Kind(uint(number) % uint(expression.List+1))
		_, err := expression.Compile(text, kind)
		if err == nil {
			return
		}
		mistake, ok := errors.AsType[*expression.Error](err)
		if !ok || mistake.Problem == "" || mistake.Line < 1 || mistake.Line > strings.Count(text, "\n")+1 || mistake.Column < 1 || mistake.Column > utf8.RuneCountInString(text)+1 {
			t.Fatalf("%q: %#v", text, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: the one-line form has several lines: %v", text, err)
		}
		if lines := strings.Split(mistake.Detail(), "\n"); len(lines) < 3 || !strings.HasSuffix(lines[2], "^") {
			t.Errorf("%q: the caret is missing: %s", text, mistake.Detail())
		}
		if mistake.Fix == "" {
			return
		}
		if _, err := expression.Compile(mistake.Fix, kind); err != nil {
			t.Errorf("%q: the correction %q does not compile: %v", text, mistake.Fix, err)
		}
	})
}
