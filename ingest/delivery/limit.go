// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	// maxWait is the longest time for which an executor keeps its lease while it waits for the rate limit. If the wait is longer,
	// the lane returns to the schedule.
	maxWait = time.Second
	// headroom spaces calls 2 % wider than the limit, so that varying network delays do not push one call too many into a second.
	headroom = 1.02
	// recovery is the interval at which a rate that a 429 has halved grows again, by a tenth.
	recovery = time.Second
)

// limiters holds one limiter for each endpoint, because Knock limits each endpoint separately.
type limiters struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[knock.Endpoint]*limiter
}

func newLimiters(rates map[string]int32, now func() time.Time) *limiters {
	l := &limiters{now: now, by: map[knock.Endpoint]*limiter{}}
	l.configure(rates)
	return l
}

// configure sets the limits, in calls a second. An endpoint that rates does not name gets the limit that Knock publishes.
func (l *limiters) configure(rates map[string]int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range knock.Endpoints() {
		rate := float64(name.Rate())
		if set, ok := rates[string(name)]; ok {
			rate = float64(set)
		}
		if l.by[name] == nil {
			l.by[name] = &limiter{now: l.now, limit: rate, rate: rate}
		}
		l.by[name].setLimit(rate)
	}
}

func (l *limiters) forEndpoint(endpoint knock.Endpoint) *limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[endpoint]
}

// limiter spaces the calls to one endpoint evenly.
//
// Each call reserves the next free slot and waits for it. When the next slot is more than a second away, waiting would hold leases
// and goroutines, so the event is deferred instead: its lane returns to the schedule. Each deferred event gets its own time to come
// back, one interval after the event before, so that they do not return all at once.
//
// The rate begins at the limit and adapts to Knock's answers: a 429 halves it and blocks all calls for as long as Knock's
// Retry-After says; then it grows by a tenth each second until it is back at the limit.
type limiter struct {
	now func() time.Time

	mu           sync.Mutex
	limit        float64 // calls a second
	rate         float64 // calls a second at present: at most limit
	rateChanged  time.Time
	nextSlot     time.Time // no call has reserved this time or a later one
	blockedUntil time.Time // no call before this time
	nextReturn   time.Time // when the next deferred event may come back, at the earliest
}

func (l *limiter) setLimit(limit float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if limit != l.limit {
		l.limit, l.rate = limit, limit
	}
}

func (l *limiter) interval() time.Duration {
	return time.Duration(headroom * float64(time.Second) / l.rate)
}

// reserve reserves the next free slot and returns how long to wait for it. If that is longer than maxWait, it reserves nothing,
// reports false, and returns after which time the event should be claimed again.
func (l *limiter) reserve() (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.recoverRate(now)
	slot := latest(l.nextSlot, now, l.blockedUntil)
	if wait = slot.Sub(now); wait > maxWait {
		return l.deferUntil(now, slot), false
	}
	l.nextSlot = slot.Add(l.interval())
	return wait, true
}

// blocked is called when the reserved time has come. It reports whether a 429 has arrived since the reservation, and then returns
// after which time the event should be claimed again.
func (l *limiter) blocked() (wait time.Duration, blocked bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if !now.Before(l.blockedUntil) {
		return 0, false
	}
	return l.deferUntil(now, l.blockedUntil), true
}

// deferUntil returns how long from now a deferred event should wait: until earliest, or later, one interval
// after the event that was deferred last.
func (l *limiter) deferUntil(now, earliest time.Time) time.Duration {
	at := latest(l.nextReturn, earliest)
	l.nextReturn = at.Add(l.interval())
	return at.Sub(now)
}

// throttle handles a 429. Several answers within a second halve the rate once, because they are answers to one burst of calls.
func (l *limiter) throttle(retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.rateChanged) >= recovery || l.rate == l.limit {
		l.rate, l.rateChanged = max(l.rate/2, 1), now
	}
	l.blockedUntil = latest(l.blockedUntil, now.Add(retryAfter))
}

func (l *limiter) recoverRate(now time.Time) {
	if l.rate < l.limit && now.Sub(l.rateChanged) >= recovery {
		l.rate, l.rateChanged = min(l.rate*1.1, l.limit), now
	}
}

func latest(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
