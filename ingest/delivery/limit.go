// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	// maxWait is how long a claimed user may wait for a limit; beyond it the user goes back on the schedule.
	maxWait = time.Second
	// headroom spaces calls a little wider than the limit, so that no window of a second sees one too many.
	headroom = 1.02
	// recovery is how often a limit that a 429 has halved grows again, by a tenth.
	recovery = time.Second
)

// limiters hold one limiter an endpoint.
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

// configure sets the limits; an endpoint without one has Knock's published limit.
func (l *limiters) configure(rates map[string]int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range knock.Endpoints() {
		rate := float64(name.Rate())
		if set, ok := rates[string(name)]; ok {
			rate = float64(set)
		}
		if l.by[name] == nil {
			l.by[name] = &limiter{now: l.now, most: rate, rate: rate}
		}
		l.by[name].set(rate)
	}
}

func (l *limiters) of(endpoint knock.Endpoint) *limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.by[endpoint]
}

// limiter spaces calls to one endpoint. It begins at the published rate and follows the answers: a 429 halves the rate and
// holds calls back for as long as Knock says.
type limiter struct {
	now func() time.Time

	mu      sync.Mutex
	most    float64 // calls a second
	rate    float64 // the same, after 429s
	changed time.Time
	next    time.Time // when the next call is due
	until   time.Time // no call before
	horizon time.Time // when the next user that is sent away should come back
}

func (l *limiter) set(most float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if most != l.most {
		l.most, l.rate = most, most
	}
}

func (l *limiter) interval() time.Duration {
	return time.Duration(headroom * float64(time.Second) / l.rate)
}

// reserve takes the next free moment for a call and returns how long to wait for it. When that is too long it takes
// nothing and returns how long to stay away.
func (l *limiter) reserve() (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.recover(now)
	start := later(l.next, now, l.until)
	if wait = start.Sub(now); wait > maxWait {
		return l.sendAway(now, start), false
	}
	l.next = start.Add(l.interval())
	return wait, true
}

// shut tells, when the reserved moment has come, whether a 429 came before it, and how long to stay away then.
func (l *limiter) shut() (wait time.Duration, yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if !now.Before(l.until) {
		return 0, false
	}
	return l.sendAway(now, l.until), true
}

// sendAway spreads those who come back over the time from start on.
func (l *limiter) sendAway(now, start time.Time) time.Duration {
	back := later(l.horizon, start)
	l.horizon = back.Add(l.interval())
	return back.Sub(now)
}

// refused notes a 429.
func (l *limiter) refused(retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.changed) >= recovery || l.rate == l.most { // one answer of a burst counts
		l.rate, l.changed = max(l.rate/2, 1), now
	}
	l.until = later(l.until, now.Add(retryAfter))
}

func (l *limiter) recover(now time.Time) {
	if l.rate < l.most && now.Sub(l.changed) >= recovery {
		l.rate, l.changed = min(l.rate*1.1, l.most), now
	}
}

func later(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
