// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"math"

	"github.com/google/cel-go/common/types"
)

// CEL counts a call's cost after the call, and most library functions as one step. A function that can do much in one
// call, such as replace with a long replacement, is therefore asked beforehand how much it is about to do.

// maxWork bounds what guarded calls do in one evaluation: about as many bytes looked at or written.
const maxWork = 32 << 20

var errTooMuchWork = types.NewErr("the expression does too much work on this event")

type budget struct{ spent int64 }

// charge takes n units; false when the budget is used up.
func (b *budget) charge(n int) bool {
	b.spent = saturate(b.spent, int64(n))
	return b.spent <= maxWork
}

func saturate(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
