// SPDX-License-Identifier: Apache-2.0

package ratelimit

import "time"

const (
	// headroom spaces calls 1.5 % wider than the limit, so that neither permits that are used late nor varying network
	// delays push one call too many into a second. take.lua uses the same number.
	headroom = 1.015
	// MaxLag is how late a permit may be used. Timers fire up to about a millisecond late, and later on a busy machine.
	// MaxLag takes 0.8 of the 1.5 % of headroom, and the spare permits 0.25.
	MaxLag = 8 * time.Millisecond
	// spareTime is how late spare permits may be used.
	spareTime = 250 * time.Millisecond
	// fewSpares is the number of spare permits below which it is not worth taking more before they are needed.
	fewSpares = 20
)

// heldPermits are the permits that a process has taken and not used, in the order of their times.
type heldPermits struct {
	batches []batch
	spare   int // how many permits may be used until spareTime after their time
}

// batch is a number of permits for evenly spaced calls.
type batch struct {
	first    time.Time
	interval time.Duration
	count    int
}

// before returns how many of the permits are for a time before t.
func (b batch) before(t time.Time) int {
	if !b.first.Before(t) {
		return 0
	}
	return min(int((t.Sub(b.first)-1)/b.interval)+1, b.count)
}

func (b *batch) drop(n int) {
	b.first = b.first.Add(time.Duration(n) * b.interval)
	b.count -= n
}

func (h *heldPermits) add(b batch) {
	if b.count > 0 {
		h.batches = append(h.batches, b)
	}
}

// before returns how many permits are for a time before t.
func (h *heldPermits) before(t time.Time) int {
	n := 0
	for _, b := range h.batches {
		n += b.before(t)
	}
	return n
}

// expire removes the permits that can no longer be used.
func (h *heldPermits) expire(now time.Time) {
	h.drop(max(h.before(now.Add(-spareTime)), h.before(now.Add(-MaxLag))-h.spare))
}

// drop removes the first n permits.
func (h *heldPermits) drop(n int) {
	for n > 0 && len(h.batches) > 0 {
		b := &h.batches[0]
		dropped := min(n, b.count)
		b.drop(dropped)
		n -= dropped
		if b.count == 0 {
			h.batches = h.batches[1:]
		}
	}
}

// count returns how many permits there are.
func (h *heldPermits) count() int {
	n := 0
	for _, b := range h.batches {
		n += b.count
	}
	return n
}

// next returns when the first permit can be used. It reports false if there is none.
func (h *heldPermits) next() (time.Time, bool) {
	if len(h.batches) == 0 {
		return time.Time{}, false
	}
	return h.batches[0].first, true
}

// end returns the time of the last permit. It reports false if there is none.
func (h *heldPermits) end() (time.Time, bool) {
	if len(h.batches) == 0 {
		return time.Time{}, false
	}
	b := h.batches[len(h.batches)-1]
	return b.first.Add(time.Duration(b.count-1) * b.interval), true
}
