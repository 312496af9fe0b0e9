// SPDX-License-Identifier: Apache-2.0

package ratelimit

import "time"

// waiter is a call that waits for its turn.
type waiter struct {
	receivedAt time.Time
	number     uint64        // orders calls of events that were received in the same millisecond
	turn       chan struct{} // closed when the call may be made
	index      int           // in the heap; -1 when the waiter has left it
}

// waiters is a heap of calls. The call of the oldest event is the first. It implements heap.Interface.
type waiters []*waiter

// Len implements heap.Interface.
func (w waiters) Len() int { return len(w) }

// Less implements heap.Interface. The call of the older event is less.
func (w waiters) Less(i, j int) bool {
	if !w[i].receivedAt.Equal(w[j].receivedAt) {
		return w[i].receivedAt.Before(w[j].receivedAt)
	}
	return w[i].number < w[j].number
}

// Swap implements heap.Interface.
func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}

// Push implements heap.Interface.
func (w *waiters) Push(x any) {
	added := x.(*waiter)
	added.index = len(*w)
	*w = append(*w, added)
}

// Pop implements heap.Interface.
func (w *waiters) Pop() any {
	last := (*w)[len(*w)-1]
	last.index = -1
	(*w)[len(*w)-1] = nil
	*w = (*w)[:len(*w)-1]
	return last
}
