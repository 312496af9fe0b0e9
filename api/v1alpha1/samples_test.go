// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestTheSamplesAndExamplesAreAdmitted(t *testing.T) {
	samples, err := filepath.Glob("../../config/samples/*.yaml")
	if err != nil || len(samples) < 2 {
		t.Fatalf("samples %v: %v", samples, err)
	}
	examples, err := filepath.Glob("../../docs/examples/*.yaml")
	if err != nil || len(examples) < 2 {
		t.Fatalf("examples %v: %v", examples, err)
	}
	prepared := kinds(t)
	for _, path := range slices.Concat(samples, examples) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for manifest := range bytes.SplitSeq(text, []byte("\n---\n")) {
				sample := object(t, string(manifest))
				if sample["apiVersion"] == "v1" { // a Namespace or a Secret
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
