// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/manifestdir"
)

// laughs returns a text of a few hundred bytes with aliases that expand to a billion values.
func laughs() string {
	var text strings.Builder
	text.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x]\n")
	for i := range 9 {
		name := string(rune('0' + i))
		next := string(rune('1' + i))
		text.WriteString("a" + next + ": &a" + next + " [" + strings.Repeat("*a"+name+", ", 8) + "*a" + name + "]\n")
	}
	return text.String()
}

// FuzzLoad loads arbitrary text. Load must return within seconds, must not panic, and must name only lines that exist.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		source, mapping, secret, join(source, mapping, secret), laughs(), "a: &a [*a]", "<<: *a", "? [a]\n: b", "\ufeff", "--- x", "...\n",
		"kind: List\nitems: [{kind: Secret, apiVersion: v1, metadata: {name: a}, data: {a: !!binary x}}]", "{\"kind\": \"Source\"}",
		strings.Repeat("[", 5000), strings.Repeat("{a: ", 5000), "a: !!float x", "metadata: &m {<<: *m}", "&a {<<: *a}", "\r0",
	} {
		f.Add([]byte(seed))
	}
	loader := newLoader(f)
	path := filepath.Join(f.TempDir(), "a.yaml")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		set := loader.Load(t.Context(), manifestdir.Scan([]string{path}))
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("Load took %v", took)
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, problem := range set.Problems {
			if problem.Line < 0 || problem.Line > lines || problem.Message == "" {
				t.Errorf("problem %+v in a text of %d lines", problem, lines)
			}
		}
	})
}
