// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"net/http"
	"time"
)

const (
	// faultyTime is how long faults happen; afterwards everything works.
	faultyTime = 3 * time.Minute
	// outageBegins is when an outage of Knock begins.
	outageBegins = 15 * time.Second
	// longestWait is how long the remaining events may take after faultyTime: the longest backoff, five minutes, then a
	// lease, and some time for the calls.
	longestWait = 8 * time.Minute
	// longRetryAfter is the longest Retry-After in seconds. It is shorter than the longest backoff.
	longRetryAfter = 290
)

// plan holds the decisions that the seed makes before a schedule begins. Each schedule has only some kinds of faults,
// because with all faults at once, one fault would hide the effect of another.
type plan struct {
	dice  dice
	users int

	redisCut, redisSlow                          float64 // per command
	lost, dropped, failed, throttled, hung, slow float64 // per call to Knock
	keyRejected                                  float64 // per call to Knock: a single 401
	forbidden                                    float64 // per call to Knock: a single 403
	retryAfter                                   int     // the longest Retry-After, seconds
	doomed                                       float64 // per event
	deaths                                       float64 // per process
	sameOwner                                    bool
	sleeps, clockJumps, clockBack, stops         int
	edits, rotations, suspensions                int
	// bulk makes most events identifies, sent in a short time, and allows one of them a second, so that Doorbell makes
	// bulk calls.
	bulk bool
	// unlucky, if not 0, is the status with which Knock responds to every call for the first user while faults happen.
	// Such a schedule has no other faults, except that Redis's clock may go back. The check isolation requires that no
	// other user is delayed.
	unlucky int
	// outage makes Knock respond with 503 to every call from outageBegins until faultyTime, which is longer than
	// retryFor.
	outage   bool
	retryFor time.Duration
}

func newPlan(d dice) plan {
	r := d.named("plan")
	p := plan{dice: d, users: 3 + r.IntN(4), doomed: pick(r, 0, 0.1), retryAfter: 10, retryFor: time.Hour}
	switch special := r.Float64(); {
	case special < 0.1:
		p.unlucky, p.clockBack = pick(r, http.StatusInternalServerError, http.StatusForbidden), pick(r, 0, 1)
		return p
	case special < 0.15:
		p.outage, p.retryFor, p.bulk = true, 150*time.Second, chance(r, 0.3)
		return p
	}
	rate := func(high float64) float64 { return pick(r, 0, 0, high/4, high) }
	p.redisCut, p.redisSlow = rate(0.02), rate(0.01)
	p.lost, p.dropped, p.failed, p.throttled = rate(0.2), rate(0.2), rate(0.3), rate(0.1)
	p.hung, p.slow, p.keyRejected, p.forbidden = rate(0.1), rate(0.2), rate(0.05), rate(0.05)
	p.deaths, p.sameOwner = pick(r, 0, 0.7, 1), chance(r, 0.5)
	p.sleeps, p.clockJumps, p.clockBack = pick(r, 0, 0, 1, 2), pick(r, 0, 0, 1), pick(r, 0, 0, 0, 1)
	p.stops = pick(r, 0, 0, 1)
	p.edits, p.rotations, p.suspensions = pick(r, 0, 1), pick(r, 0, 0, 1), pick(r, 0, 0, 1)
	p.retryAfter = pick(r, 10, 10, 10, longRetryAfter)
	if p.bulk = chance(r, 0.3); p.bulk {
		p.users += 4
	}
	return p
}

// patience returns how long the remaining events may take after faultyTime. If Redis's clock has gone back, the time of
// a shard runs at half speed until the clock has caught up, so every wait can take twice as long.
func (p *plan) patience() time.Duration {
	if p.clockBack > 0 {
		return 2 * longestWait
	}
	return longestWait
}

// deathOf decides at which step a process dies.
func (p *plan) deathOf(name string) death {
	r := p.dice.named("death", name)
	if !chance(r, p.deaths) {
		return death{}
	}
	step := pick(r, "call", "call", "accept", "claim", "save", "complete", "complete", "retry", "renew", "finish")
	return death{step: step, n: 1 + r.IntN(12), after: chance(r, 0.6)}
}

// Where a connection to Redis is cut.
const (
	cutBefore = iota + 1 // the command does not run
	cutAfter             // the command runs, and its reply is lost
)

// redisFault is what happens to one command.
type redisFault struct {
	before, after time.Duration
	cut           int
	dies          bool
}

// redisFault draws the fault of the process's next run of a command or script.
func (p *process) redisFault(name string) redisFault {
	n, dies := p.step(name)
	r := p.world.dice.named("redis", p.name, name, n)
	f := redisFault{before: between(r, 50*time.Microsecond, time.Millisecond), after: between(r, 50*time.Microsecond, time.Millisecond)}
	switch roll := r.Float64(); {
	case p.world.isCalm():
		return f
	case dies:
		f.dies, f.cut = true, cutBefore
		if p.dies.after {
			f.cut = cutAfter
		}
	case roll < p.world.plan.redisCut:
		f.cut = pick(r, cutBefore, cutAfter)
	case roll < p.world.plan.redisCut+p.world.plan.redisSlow:
		f.before = between(r, 10*time.Millisecond, 8*time.Second)
	}
	if f.cut != 0 {
		p.world.history.add("redis   cuts the connection of %s at %s %d (%s)", p.name, name, n, [...]string{"", "before", "after"}[f.cut])
	}
	return f
}

// knockFault draws the fault of an attempt at a call.
func (w *world) knockFault(c *call, attempt int) knockFault {
	r := w.dice.named("knock", c.event, c.action, attempt)
	f := knockFault{execute: true, after: between(r, 5*time.Millisecond, 150*time.Millisecond)}
	p := w.plan
	refuse := func(status int, code string) { f.execute, f.status, f.code = false, status, code }
	e := w.events[c.event]
	switch {
	case e != nil && e.doomed && c.action == e.kind.actions[len(e.kind.actions)-1]:
		refuse(http.StatusUnprocessableEntity, "invalid_params")
		return f
	case w.isCalm():
		return f
	case p.unlucky != 0:
		if c.event.user == w.senders[0].user {
			refuse(p.unlucky, "simulated")
		}
		return f
	case p.outage:
		if since := time.Since(w.history.start); since > outageBegins && since < faultyTime {
			refuse(http.StatusServiceUnavailable, "outage")
		}
		return f
	}
	roll := r.Float64()
	falls := func(probability float64) bool {
		roll -= probability
		return roll < 0
	}
	switch {
	case falls(p.lost):
		f.drop = true
	case falls(p.dropped):
		f.execute, f.drop = false, true
	case falls(p.failed):
		refuse(pick(r, 500, 502, 503), "internal")
		f.execute = chance(r, 0.3) // the call ran, and the gateway failed on the way back
	case falls(p.throttled):
		refuse(http.StatusTooManyRequests, "rate_limited")
		f.retryAfter = 1 + r.IntN(p.retryAfter)
	case falls(p.hung):
		f.execute, f.after = chance(r, 0.5), time.Hour
	case falls(p.slow):
		f.after = between(r, time.Second, 9500*time.Millisecond)
	case falls(p.keyRejected):
		refuse(http.StatusUnauthorized, "authentication_required")
	case falls(p.forbidden):
		refuse(http.StatusForbidden, "forbidden")
	}
	return f
}
