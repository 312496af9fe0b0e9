// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"slices"
	"sync"
	"time"
)

// slowAfter is how long a body may take to arrive before memory may interrupt it.
const slowAfter = time.Second

// memory bounds the bytes that the bodies of all requests in flight use together, including the copies that are made of
// them. A limit on the number of requests is not enough, because one body can be a thousand times as large as another.
//
// Bytes are reserved when they arrive, not when they are announced. If too few bytes are free, slow senders lose first:
// memory interrupts the bodies that have been arriving for longer than slowAfter, the oldest first, until the others
// have room.
type memory struct {
	now  func() time.Time
	size int64

	mu       sync.Mutex
	changed  sync.Cond // bytes were released, or a body was interrupted
	free     int64
	arriving map[*memoryBudget]struct{}
}

func newMemory(size int64, now func() time.Time) *memory {
	m := &memory{now: now, size: size, free: size, arriving: map[*memoryBudget]struct{}{}}
	m.changed.L = &m.mu
	return m
}

// used returns the number of reserved bytes.
func (m *memory) used() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size - m.free
}

// memoryBudget is the part of the memory that one request has reserved. Its methods must be called by one goroutine.
type memoryBudget struct {
	memory   *memory
	reserved int64

	// The fields below are guarded by memory.mu.
	started     time.Time
	interrupt   func() error // ends the read in progress; may be called by any goroutine
	interrupted bool
}

// startArriving allows memory to interrupt the body until stopArriving is called.
func (b *memoryBudget) startArriving(interrupt func() error) {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	b.started, b.interrupt = b.memory.now(), interrupt
	b.memory.arriving[b] = struct{}{}
}

// stopArriving reports whether the body was interrupted.
func (b *memoryBudget) stopArriving() bool {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	delete(b.memory.arriving, b)
	b.memory.changed.Broadcast()
	return b.interrupted
}

// reserve reserves n more bytes. If they cannot become free, it reserves none and returns false. It waits only for
// interrupted bodies, which release their bytes at once.
func (b *memoryBudget) reserve(n int64) bool {
	m := b.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.free < n {
		if b.interrupted || !m.interruptSlow(n-m.free, b) {
			return false
		}
		m.changed.Wait()
	}
	m.free -= n
	b.reserved += n
	return true
}

// release returns n reserved bytes.
func (b *memoryBudget) release(n int64) {
	b.memory.mu.Lock()
	defer b.memory.mu.Unlock()
	b.memory.free += n
	b.reserved -= n
	b.memory.changed.Broadcast()
}

// interruptSlow interrupts slow bodies, the oldest first, until the interrupted ones together hold n bytes, which they
// release soon. It never interrupts asking, the body that needs the bytes. If all slow bodies together hold fewer than
// n bytes, it interrupts none and returns false. The caller holds the lock.
func (m *memory) interruptSlow(n int64, asking *memoryBudget) bool {
	var slow []*memoryBudget
	total, before := int64(0), m.now().Add(-slowAfter)
	for b := range m.arriving {
		if b != asking && (b.interrupted || b.started.Before(before)) {
			slow = append(slow, b)
			total += b.reserved
		}
	}
	if total < n {
		return false
	}
	slices.SortFunc(slow, func(a, b *memoryBudget) int { return a.started.Compare(b.started) })
	for _, b := range slow {
		if !b.interrupted && b.interrupt() != nil {
			delete(m.arriving, b) // this connection cannot be interrupted
			continue
		}
		b.interrupted = true
		if n -= b.reserved; n <= 0 {
			break
		}
	}
	m.changed.Broadcast()
	return n <= 0
}
