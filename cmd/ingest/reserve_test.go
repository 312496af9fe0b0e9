// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"testing"
)

func TestTheHeapReserveIsAPartOfTheMemoryLimitAndRespectsGOGC(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(80 << 20))
	for gogc, want := range map[string]int{"": 10 << 20, "100": 0} {
		t.Setenv("GOGC", gogc)
		if got := len(reserveHeap()); got != want {
			t.Errorf("GOGC=%q: a reserve of %d bytes; want %d", gogc, got, want)
		}
	}
}
