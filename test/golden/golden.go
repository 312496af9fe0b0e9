// SPDX-License-Identifier: Apache-2.0

// Package golden compares the result of a test with a reviewed file. `go test -update` rewrites the file, and Git shows the change.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Flag registers the flag -update. A test package with golden files calls it once, in the declaration of a variable.
func Flag() *bool { return flag.Bool("update", false, "rewrite the golden files") }

// Check fails the test if got differs from the file at path. If update is true, it writes got to the file instead.
func Check(t *testing.T, update bool, path string, got []byte) {
	t.Helper()
	if update {
		if err := os.WriteFile(path, got, 0o644); err != nil { //nolint:gosec // readable by everyone, like every file of the repository
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path) //nolint:gosec // the test chooses the path
	if err != nil {
		t.Fatalf("%v; run go test -update", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; run go test -update if the change is intended):\n%s", path, diff)
	}
}
