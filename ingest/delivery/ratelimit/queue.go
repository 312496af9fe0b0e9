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
	// recovery is the interval at which a rate that a 429 has halved grows again, by a tenth.
	recovery = time.Second

	// A queue holds the calls of waitingSeconds, at least minWaiting and at most maxWaiting. Each waiting call holds a
	// lease and its event in memory.
	waitingSeconds = 40
	minWaiting     = 256
	maxWaiting     = 4096
	// waitingShort is how many calls may wait while the process is short of memory.
	waitingShort = 8
)

// Queue spaces the calls to one endpoint evenly and lets those of older events go first.
//
// The rate begins at the limit and adapts to Knock's answers: a 429 halves it and blocks all calls for as long as
// Knock's Retry-After says; then it grows by a tenth each second until it is back at the limit.
//
// The queue is bounded. A call that finds it full is sent away: its lane returns to Redis and comes back when its turn
// approaches. Lanes that were sent away come back one interval apart. While any of them is away, a call of a younger
// event is sent away behind them, so that it cannot take their places. A lane that has come back waits among the others
// according to its age.
type Queue struct {
	mu           sync.Mutex
	limit        float64 // calls a second
	rate         float64 // calls a second at present: at most limit
	rateChanged  time.Time
	nextTurn     time.Time // no call may be made before this time
	blockedUntil time.Time // nor before this time
	waiting      waiters
	joined       uint64      // numbers the waiting calls
	timer        *time.Timer // runs advance at the next turn; nil if no call waits

	lastReturn time.Time // when the lane that was sent away last comes back
	youngest   time.Time // the latest time of receipt of all events that have waited or were sent away
}

func newQueue(limit float64) *Queue { return &Queue{limit: limit, rate: limit} }

// Enter reports whether a call of an event that was received at this time may wait in the queue. If it may not, back is
// the time after which the event should ask again.
//
// An event that is older than others in the queue, such as one that comes back, may enter even if the queue is full. If
// the process is short of memory, only a few calls may wait, so that memory is left for calls to other endpoints.
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

// Blocked reports whether Knock has forbidden all calls for the time being. It is for a call whose turn has come: a 429
// may have arrived since.
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

// clock is the process's clock. Limits follow its monotonic part, so that a changed wall clock neither stops nor floods
// Knock.
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
