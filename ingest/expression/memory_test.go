// SPDX-License-Identifier: Apache-2.0

package expression_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/expression"
)

// A source can have 10,000 mappings, and each of them has a condition in CEL.
func TestACompiledExpressionTakesLessThan5KB(t *testing.T) {
	compile := func(i int) *expression.Expression {
		x, err := expression.Compile(fmt.Sprintf("body.properties.total * 2 > %d", i), expression.Bool)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	compile(0) // builds what all expressions share
	expressions := make([]*expression.Expression, 2000)
	before := liveHeap()
	for i := range expressions {
		expressions[i] = compile(i)
	}
	if each := (liveHeap() - before) / int64(len(expressions)); each > 5000 {
		t.Errorf("an expression takes %d bytes", each)
	}
	runtime.KeepAlive(expressions)
}

// liveHeap returns the size of all objects on the heap that are in use.
func liveHeap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
