// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"slices"
	"testing"
	"time"
)

func TestADeadlineIsAppliedWhenAnOperationBeginsOrIsInProgress(t *testing.T) {
	var applied []int64
	d := &lazyDeadline{apply: func(deadline time.Time) error {
		applied = append(applied, deadline.Unix())
		return nil
	}}
	step := func(name string, err error, want ...int64) {
		t.Helper()
		if err != nil || !slices.Equal(applied, want) {
			t.Errorf("%s: applied %v, %v; want %v", name, applied, err, want)
		}
	}
	step("the first operation has no deadline", d.begin())
	d.end()
	step("between two operations", d.set(time.Unix(1, 0)))
	step("a later deadline replaces the one before", d.set(time.Unix(2, 0)))
	step("the next operation", d.begin(), 2)
	step("during the operation", d.set(time.Unix(3, 0)), 2, 3)
	d.end()
	step("the operation after it", d.begin(), 2, 3)
	d.end()
}
