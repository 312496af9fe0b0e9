// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDataPlaneDoesNotImportKubernetes checks that an ingest pod contains no client for the API server, so that a
// compromised pod cannot use one.
func TestDataPlaneDoesNotImportKubernetes(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(path, "k8s.io/") || strings.HasPrefix(path, "sigs.k8s.io/") && !strings.HasPrefix(path, "sigs.k8s.io/yaml") {
			t.Errorf("the data plane depends on %s", path)
		}
	}
}
