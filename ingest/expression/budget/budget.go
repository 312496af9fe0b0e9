// SPDX-License-Identifier: Apache-2.0

// Package budget bounds how much work one evaluation of an expression does. Package expression plans every CEL
// expression with it. It must never change the result of an evaluation that stays within its budget.
//
// CEL has its own cost limit, but it adds the cost of a call after the call, and it counts most library functions
// as one step. A function that can do much work in one call, such as replace with a long replacement, would finish that
// work before the limit applies. Doorbell therefore estimates the work of such a call from its arguments, and charges
// the estimate to the budget before it calls the function.
package budget

import (
	"math"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// maxWork bounds the work of the guarded calls of one evaluation, in units of about one byte read or written.
const maxWork = 32 << 20

// Exceeded returns the error of an evaluation that exceeds its budget. It is a new error for each evaluation, because
// CEL writes the place of the error into it.
func Exceeded() ref.Val { return types.NewErr("the expression does too much work on this event") }

// Budget counts the work of one evaluation. Its zero value is a full budget. Only one goroutine may use a Budget.
type Budget struct{ spent int64 }

// Charge adds n units of work. It reports whether the evaluation is still within its budget.
func (b *Budget) Charge(n int) bool {
	b.spent = saturatingAdd(b.spent, int64(n))
	return b.spent <= maxWork
}

func saturatingAdd(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Variable is the name under which a guarded call finds the Budget of its evaluation. No expression can contain this
// name.
const Variable = "@budget"
