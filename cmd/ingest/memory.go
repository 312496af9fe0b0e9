// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"os"
	"runtime/debug"
)

// heapReserve is the number of bytes that the process may allocate between two garbage collections, in addition to as
// many as are in use.
const heapReserve = 32 << 20

// reserveHeap makes garbage collections rarer, and returns memory that the process must keep until it ends.
//
// Go collects garbage when the heap has grown by as much as was in use after the latest collection. The process uses
// few bytes for long, so under load Go would collect many times a second, which takes a tenth of the CPU time. The
// reserve counts as memory in use, but no code writes to it, so the kernel never provides the memory itself. A higher
// GOGC would also make collections rarer, but it multiplies the memory of a process with many mappings or large bodies.
//
// If GOGC is set, reserveHeap returns nil. The reserve is at most an eighth of GOMEMLIMIT, which includes it.
func reserveHeap() []byte {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	size := int64(heapReserve)
	if limit := debug.SetMemoryLimit(-1); limit < math.MaxInt64 { // a negative argument changes nothing
		size = min(size, limit/8)
	}
	return make([]byte, size)
}
