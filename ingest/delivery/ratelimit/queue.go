// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	// The capacity of a queue is the number of calls that its limit allows in waitingSeconds, at least minWaiting and
	// at most maxWaiting. It is bounded because each waiting call holds a lease and keeps its event in memory.
	waitingSeconds = 40
	minWaiting     = 256
	maxWaiting     = 4096
	// waitingShort is how many calls may wait while the process is short of memory.
	waitingShort = 8
)

// Queue spaces the calls to one endpoint evenly and lets those of older events go first. Its pace determines when the
// next call may be made.
//
// The queue is bounded. If it is full, it rejects a new call: the call's lane returns to Redis and becomes due again when
// its turn approaches. Returned lanes become due one interval apart. While such lanes exist, the queue also returns the
// lanes of younger events, so that they cannot overtake. A call that comes back waits in the order of its event's age.
type Queue struct {
	mu      sync.Mutex
	pace    pace
	waiting waiters
	joined  uint64      // numbers the waiting calls
	timer   *time.Timer // runs advance at the next turn, or when it is time to ask for permits; nil until a call waits

	lastReturn time.Time // when the lane that was returned to Redis most recently becomes due
	youngest   time.Time // the latest time of receipt of all events that have waited or were returned to Redis
}

// newQueue returns a queue that takes permits from taker, or decides on its own if taker is nil.
func newQueue(endpoint knock.Endpoint, limit float64, taker *taker) *Queue {
	return &Queue{pace: newPace(endpoint, limit, taker)}
}

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
	soonest := now.Add(time.Duration(len(q.waiting)/2) * q.pace.ownInterval())
	q.lastReturn = latest(q.lastReturn, soonest, q.pace.blockedUntil).Add(q.pace.ownInterval())
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
	if len(q.waiting) == 0 && q.pace.take(now, 0) {
		if q.pace.sparesEndSoon(now) {
			q.ask()
		}
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
	q.giveTurns()
}

// giveTurns is advance for callers that hold the lock.
func (q *Queue) giveTurns() {
	now := clock()
	for len(q.waiting) > 0 && q.pace.take(now, MaxLag) {
		close(heap.Pop(&q.waiting).(*waiter).turn)
	}
	q.schedule(now)
}

// schedule asks for permits if the queue needs some now, and sets the timer for the next time at which there is
// something to do.
func (q *Queue) schedule(now time.Time) {
	if q.pace.mustAsk(now, len(q.waiting)) {
		q.ask()
	}
	at := q.pace.nextEvent(now, len(q.waiting))
	switch {
	case len(q.waiting) == 0 || at.IsZero():
	case q.timer == nil:
		q.timer = time.AfterFunc(at.Sub(now), q.advance)
	default:
		q.timer.Reset(at.Sub(now))
	}
}

func (q *Queue) ask() {
	q.pace.asking = true
	q.pace.taker.ask(q)
}

// request returns the queue's request for permits.
func (q *Queue) request() Request {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := clock()
	r := q.pace.request(now, len(q.waiting))
	if r.Waiting > 0 {
		r.First, r.Last = q.waiting[0].receivedAt, q.waiting[0].receivedAt
		for _, w := range q.waiting {
			r.Last = latest(r.Last, w.receivedAt)
		}
	}
	return r
}

// receive uses the permits that were granted.
func (q *Queue) receive(g Grant) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace.receive(clock(), g)
	q.giveTurns()
}

// goAlone makes the queue decide on its own for a while, because the request for permits has failed.
func (q *Queue) goAlone(r Request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pace.goAlone(clock(), r)
	q.giveTurns()
}

// Blocked reports whether a 429 currently blocks all calls to the endpoint. Check it when the turn of a call has come,
// because a 429 may have arrived after the queue granted the turn.
func (q *Queue) Blocked() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return clock().Before(q.pace.blockedUntil)
}

// Throttle takes a 429 into account, in all processes that share the limit.
func (q *Queue) Throttle(retryAfter time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := clock()
	q.pace.throttle(now, retryAfter)
	q.schedule(now)
}

func (q *Queue) setLimit(limit float64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if limit != q.pace.limit {
		now := clock()
		q.pace.setLimit(now, limit)
		q.schedule(now)
	}
}

func (q *Queue) capacity() int {
	return min(max(int(waitingSeconds*q.pace.limit), minWaiting), maxWaiting)
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
	return q.pace.expectedWait(clock(), len(q.waiting))
}

func (q *Queue) load() Load {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := clock()
	return Load{
		Endpoint: q.pace.endpoint, WaitingElsewhere: q.pace.waitingElsewhere(now), Rate: q.pace.rate / headroom,
		Wait: q.pace.expectedWait(now, len(q.waiting)),
	}
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
