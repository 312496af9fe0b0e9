// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

const (
	// headroom spaces calls 1.5 % wider than the limit, so that varying network delays do not push one call too many
	// into a second.
	headroom = 1.015
	// maxLag is how late a call may be made without moving the calls behind it. Timers fire up to about a millisecond
	// late; at 1,000 calls a second this would otherwise halve the rate.
	maxLag = 5 * time.Millisecond
	// recovery is how often the rate grows by a tenth after a 429 has reduced it.
	recovery = time.Second

	// The capacity of a queue is the number of calls that its limit allows in waitingSeconds, at least minWaiting and
	// at most maxWaiting. It is bounded because each waiting call holds a lease and keeps its event in memory.
	waitingSeconds = 40
	minWaiting     = 256
	maxWaiting     = 4096
	// waitingShort is how many calls may wait while the process is short of memory.
	waitingShort = 8
)

// Queue spaces the calls to one endpoint evenly and lets those of older events go first.
//
// The rate starts at the limit and adapts to Knock's answers. A 429 halves the rate and blocks all calls for the time
// in Knock's Retry-After header. After that, the rate grows by a tenth each second until it reaches the limit.
//
// The queue is bounded. If it is full, it rejects a new call: the call's lane returns to Redis and becomes due again when
// its turn approaches. Returned lanes become due one interval apart. While such lanes exist, the queue also returns the
// lanes of younger events, so that they cannot overtake. A call that comes back waits in the order of its event's age.
type Queue struct {
	mu           sync.Mutex
	limit        float64 // calls a second
	rate         float64 // calls a second at present: at most limit
	rateChanged  time.Time
	nextTurn     time.Time // no call may be made before this time
	blockedUntil time.Time // a 429 blocks all calls until this time
	waiting      waiters
	joined       uint64      // numbers the waiting calls
	timer        *time.Timer // runs advance at the next turn; nil if no call waits

	lastReturn time.Time // when the lane that was returned to Redis most recently becomes due
	youngest   time.Time // the latest time of receipt of all events that have waited or were returned to Redis
}

func newQueue(limit float64) *Queue { return &Queue{limit: limit, rate: limit} }

// Enter reports whether a call of an event that was received at this time may wait in the queue. If it may not, back is
// how long the event should wait before it asks again.
//
// An event that is not younger than every event before it, such as one that was returned to Redis, may enter until the
// queue holds twice its capacity. If the process is short of memory, the capacity is only a few calls, so that memory is
// left for calls to other endpoints.
func (q *Queue) Enter(receivedAt time.Time, shortOfMemory bool) (back time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now, capacity := clock(), q.capacity()
	if shortOfMemory {
		capacity = waitingShort
	}
	if older := !receivedAt.After(q.youngest); older && len(q.waiting) < 2*capacity {
		return 0, true
	}
	if othersAway := now.Before(q.lastReturn); !othersAway && len(q.waiting) < capacity {
		return 0, true
	}
	q.youngest = latest(q.youngest, receivedAt)
	soonest := now.Add(time.Duration(len(q.waiting)/2) * q.interval())
	q.lastReturn = latest(q.lastReturn, soonest, q.blockedUntil).Add(q.interval())
	return q.lastReturn.Sub(now), false
}

// Wait waits until the call may be made. It reports false if ctx or stop ends first. The calls of older events go
// first; a zero receivedAt goes before all others.
func (q *Queue) Wait(ctx context.Context, stop <-chan struct{}, receivedAt time.Time) bool {
	w := q.join(receivedAt)
	if w == nil {
		return true
	}
	select {
	case <-w.turn:
		return true
	case <-ctx.Done():
	case <-stop:
	}
	q.leave(w)
	return false
}

// join returns nil if the call may be made now.
func (q *Queue) join(receivedAt time.Time) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := clock()
	q.recoverRate(now)
	if len(q.waiting) == 0 && !now.Before(q.turn()) {
		q.nextTurn = now.Add(q.interval())
		return nil
	}
	q.youngest = latest(q.youngest, receivedAt)
	q.joined++
	w := &waiter{receivedAt: receivedAt, number: q.joined, turn: make(chan struct{})}
	heap.Push(&q.waiting, w)
	q.schedule(now)
	return w
}

func (q *Queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.index >= 0 {
		heap.Remove(&q.waiting, w.index)
	}
}

// advance gives the oldest waiting calls their turn, as many as are due.
func (q *Queue) advance() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.timer = nil
	now := clock()
	q.recoverRate(now)
	for len(q.waiting) > 0 && !now.Before(q.turn()) {
		q.nextTurn = latest(q.turn(), now.Add(-maxLag)).Add(q.interval())
		close(heap.Pop(&q.waiting).(*waiter).turn)
	}
	q.schedule(now)
}

// schedule starts the timer for the next turn if a call waits.
func (q *Queue) schedule(now time.Time) {
	if q.timer == nil && len(q.waiting) > 0 {
		q.timer = time.AfterFunc(q.turn().Sub(now), q.advance)
	}
}

// turn returns when the next call may be made.
func (q *Queue) turn() time.Time { return latest(q.nextTurn, q.blockedUntil) }

// Blocked reports whether a 429 currently blocks all calls to the endpoint. Check it when the turn of a call has come,
// because a 429 may have arrived after the queue granted the turn.
func (q *Queue) Blocked() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return clock().Before(q.blockedUntil)
}

// Throttle takes a 429 into account. Several answers within a second halve the rate once, because they are answers to
// one burst of calls.
func (q *Queue) Throttle(retryAfter time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := clock()
	if now.Sub(q.rateChanged) >= recovery || q.rate == q.limit {
		q.rate, q.rateChanged = max(q.rate/2, 1), now
	}
	q.blockedUntil = latest(q.blockedUntil, now.Add(retryAfter))
}

func (q *Queue) recoverRate(now time.Time) {
	if q.rate < q.limit && now.Sub(q.rateChanged) >= recovery {
		q.rate, q.rateChanged = min(q.rate*1.1, q.limit), now
	}
}

func (q *Queue) setLimit(limit float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if limit == q.limit {
		return
	}
	now := clock()
	q.limit, q.rate = limit, limit
	q.nextTurn = earliest(q.nextTurn, now.Add(q.interval()))
	if q.timer != nil && q.timer.Stop() {
		q.timer = nil
	}
	q.schedule(now)
}

func (q *Queue) interval() time.Duration {
	return time.Duration(headroom * float64(time.Second) / q.rate)
}

func (q *Queue) capacity() int {
	return min(max(int(waitingSeconds*q.limit), minWaiting), maxWaiting)
}

func (q *Queue) waitingCalls() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

// expectedWait estimates how long a call that joined the queue now would wait behind all others.
func (q *Queue) expectedWait() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(q.turn().Sub(clock()), 0) + time.Duration(len(q.waiting))*q.interval()
}

// clock returns the process's clock. The limits use its monotonic part, so that a change of the wall clock neither
// stops the calls nor floods Knock.
func clock() time.Time { return time.Now() } //nolint:forbidigo // see above

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
