// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"math"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// Three bounds together keep an expression and an event from occupying a worker for long: maxIterations bounds the loops,
// maxWork bounds the function calls, and maxResult bounds the value.
//
// CEL has a cost limit of its own, but it adds the cost of a call after the call, and it counts most library functions as
// one step. A function that can do much work in one call, such as replace with a long replacement, would finish that work
// before the limit applies. Doorbell therefore estimates the work of such a call from its arguments, and charges the
// estimate to the budget before it calls the function.

// maxWork bounds the work of the guarded calls of one evaluation: about as many bytes read or written.
const maxWork = 32 << 20

// tooMuchWork returns a new error for each evaluation, because CEL writes the place of the error into it.
func tooMuchWork() ref.Val { return types.NewErr("the expression does too much work on this event") }

// budget counts the work of one evaluation.
type budget struct{ spent int64 }

// charge adds n units of work. It reports whether the evaluation is still within its budget.
func (b *budget) charge(n int) bool {
	b.spent = saturatingAdd(b.spent, int64(n))
	return b.spent <= maxWork
}

func saturatingAdd(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
