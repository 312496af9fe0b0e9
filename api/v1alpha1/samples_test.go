// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestTheSamplesAreTaken(t *testing.T) {
	paths, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("samples %v: %v", paths, err)
	}
	prepared := kinds(t)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for manifest := range bytes.SplitSeq(text, []byte("\n---\n")) {
				sample := object(t, string(manifest))
				if sample["apiVersion"] == "v1" { // the namespace, and the template of the Secret
					continue
				}
				kind, known := prepared[sample["kind"].(string)]
				if !known {
					t.Fatalf("unknown kind %v", sample["kind"])
				}
				if errs := kind.admit(t, sample); len(errs) > 0 {
					t.Error(errs)
				}
			}
		})
	}
}
