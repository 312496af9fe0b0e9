// SPDX-License-Identifier: Apache-2.0

package problem_test

import (
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/problem"
)

func TestErrorLeavesOutWhatIsUnknown(t *testing.T) {
	for name, tc := range map[string]struct {
		problem problem.Problem
		want    string
	}{
		"a field of a resource": {
			problem.Problem{Mapping: "m", Field: "spec.event", Message: "required"}, "spec.event: required",
		},
		"a field of a manifest": {
			problem.Problem{Position: problem.Position{File: "a.yaml", Line: 3, Column: 5}, Field: "spec.event", Message: "required"},
			"a.yaml:3: spec.event: required",
		},
		"a line of a manifest": {
			problem.Problem{Position: problem.Position{File: "a.yaml", Line: 3}, Message: "not UTF-8"}, "a.yaml:3: not UTF-8",
		},
		"a whole file": {
			problem.Problem{Position: problem.Position{File: "a.yaml"}, Message: "not UTF-8"}, "a.yaml: not UTF-8",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.problem.Error(); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
