// SPDX-License-Identifier: Apache-2.0

// Package golden compares what a test got with a file that a person reviewed. `go test -update` rewrites the files; the change shows
// in git.
package golden

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Flag registers -update; a package with golden files calls it once, in a variable.
func Flag() *bool { return flag.Bool("update", false, "rewrite the golden files") }

// Check fails the test where got is not what the file holds, and writes the file instead when update says so.
func Check(t *testing.T, update bool, path string, got []byte) {
	t.Helper()
	if update {
		if err := os.WriteFile(path, got, 0o644); err != nil { //nolint:gosec // for everybody to read, as all of the tree
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path) //nolint:gosec // a test's own file
	if err != nil {
		t.Fatalf("%v; run go test -update", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; go test -update if intended):\n%s", path, diff)
	}
}
