// SPDX-License-Identifier: Apache-2.0

package receiver

import "sync/atomic"

// memory bounds what the bodies in flight take together: the number of requests alone would not, since one body may be a
// thousand times as large as another.
type memory struct{ free atomic.Int64 }

// memoryBudget is the part that one request has.
type memoryBudget struct {
	from  *memory
	taken int64
}

// take borrows more; it returns false, and borrows nothing, when there is not enough.
func (l *memoryBudget) take(n int64) bool {
	if l.from.free.Add(-n) < 0 {
		l.from.free.Add(n)
		return false
	}
	l.taken += n
	return true
}

func (l *memoryBudget) giveBack() { l.from.free.Add(l.taken) }
