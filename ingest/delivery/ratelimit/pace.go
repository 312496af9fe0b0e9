// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	// recovery is how often the rate grows by a tenth after a 429 has reduced it.
	recovery = time.Second
	// knownFor is how long the number of calls that wait in other processes is used.
	knownFor = 3 * time.Second
	// askEarly is how long before the spare permits expire the pace asks for others.
	askEarly = 50 * time.Millisecond
)

// pace determines when the calls to one endpoint may be made. Its Queue protects it with a lock.
//
// If the processes of a source share the limit, each call needs a permit. The pace asks for permits only if calls wait
// that have none. If the permits cannot be had, because Redis does not answer, the pace decides alone: it spaces the
// calls by its process's share of the limit, according to the number of processes that it last knew. A pace without a
// taker always decides alone.
//
// The rate starts at the limit and adapts to Knock's answers. A 429 halves the rate and blocks all calls for the time
// in Knock's Retry-After header. After that, the rate grows by a tenth each second until it reaches the limit. If the
// limit is shared, all processes have the same rate, which comes with the permits.
type pace struct {
	endpoint     knock.Endpoint
	limit        float64 // calls a second
	rate         float64 // calls a second at present: at most limit
	rateChanged  time.Time
	blockedUntil time.Time // a 429 blocks all calls until this time

	alone    bool      // no permits are needed
	nextTurn time.Time // when the next call may be made alone

	taker     *taker // nil if the limit is not shared
	held      heldPermits
	asking    bool      // a request for permits is under way
	askAt     time.Time // when it is useful to ask again
	throttled bool      // a 429 came since the latest request
	processes int       // how many processes share the limit, including this one
	elsewhere int       // how many calls waited in the other processes at the time known
	known     time.Time
}

func newPace(endpoint knock.Endpoint, limit float64, taker *taker) pace {
	return pace{endpoint: endpoint, limit: limit, rate: limit, taker: taker, alone: taker == nil, processes: 1}
}

// take reports whether a call may be made now, and if so, counts it. A call that is made alone may be late by up to lag
// without moving the calls behind it.
func (p *pace) take(now time.Time, lag time.Duration) bool {
	p.recoverRate(now)
	turn, ok := p.turn(now)
	if !ok || now.Before(turn) {
		return false
	}
	if p.alone {
		p.nextTurn = latest(turn, now.Add(-lag)).Add(p.ownInterval())
	} else {
		p.held.drop(1)
	}
	return true
}

// turn returns when the next call may be made. It reports false if there is no permit for it.
func (p *pace) turn(now time.Time) (time.Time, bool) {
	if p.alone {
		return latest(p.nextTurn, p.blockedUntil), true
	}
	p.held.expire(now)
	turn, ok := p.held.next()
	return latest(turn, p.blockedUntil), ok
}

// missing returns how many of the waiting calls have no permit.
func (p *pace) missing(now time.Time, waiting int) int {
	if p.alone {
		return waiting
	}
	p.held.expire(now)
	return max(waiting-p.held.count(), 0)
}

// mustAsk reports whether the caller must ask for permits now.
func (p *pace) mustAsk(now time.Time, waiting int) bool {
	if p.taker == nil || p.asking {
		return false
	}
	return p.throttled && !p.alone || p.missing(now, waiting) > 0 && !now.Before(p.askAt)
}

// sparesEndSoon reports, after a call has used a permit, whether the caller must ask for more because few are left. With
// a very high limit, the calls of a busy process then never wait for Redis.
func (p *pace) sparesEndSoon(now time.Time) bool {
	if p.alone || p.asking || p.held.spare < fewSpares || now.Before(p.askAt) {
		return false
	}
	end, ok := p.held.end()
	return !ok || p.held.count() <= p.held.spare/4 || now.After(end.Add(spareTime-askEarly))
}

// nextEvent returns when a turn or the time to ask comes. It returns the zero time if there is nothing to wait for but
// the answer to a request.
func (p *pace) nextEvent(now time.Time, waiting int) time.Time {
	turn, ok := p.turn(now)
	switch mayAsk := p.taker != nil && !p.asking && p.missing(now, waiting) > 0; {
	case ok && mayAsk:
		return earliest(turn, latest(p.askAt, now))
	case ok:
		return turn
	case mayAsk:
		return p.askAt
	default:
		return time.Time{}
	}
}

func (p *pace) request(now time.Time, waiting int) Request {
	r := Request{Endpoint: p.endpoint, Limit: p.limit, Waiting: p.missing(now, waiting), Throttled: p.throttled}
	if p.throttled {
		r.RetryAfter = max(p.blockedUntil.Sub(now), 0)
	}
	p.throttled = false
	return r
}

func (p *pace) receive(now time.Time, g Grant) {
	p.alone, p.asking, p.askAt = false, false, g.AskAt
	p.rate = headroom * float64(time.Second) / float64(g.Interval)
	p.processes, p.elsewhere, p.known = max(g.Processes, 1), g.WaitingElsewhere, now
	p.blockedUntil = latest(p.blockedUntil, g.PausedUntil)
	p.held.spare = g.Spare
	p.held.add(batch{first: g.Start, interval: g.Interval, count: g.Permits})
}

// goAlone makes the process decide alone until the next request is answered.
func (p *pace) goAlone(now time.Time, failed Request) {
	if !p.alone {
		p.nextTurn = now.Add(p.interval())
	}
	p.alone, p.asking, p.askAt, p.held = true, false, now.Add(takeAgain), heldPermits{}
	p.throttled = p.throttled || failed.Throttled
}

// throttle takes a 429 into account. Several answers within a second halve the rate once, because they are answers to
// one burst of calls.
func (p *pace) throttle(now time.Time, retryAfter time.Duration) {
	if now.Sub(p.rateChanged) >= recovery || p.rate == p.limit {
		p.rate, p.rateChanged = max(p.rate/2, 1), now
	}
	p.blockedUntil = latest(p.blockedUntil, now.Add(retryAfter))
	p.throttled = p.taker != nil
}

func (p *pace) recoverRate(now time.Time) {
	if p.alone && p.rate < p.limit && now.Sub(p.rateChanged) >= recovery {
		p.rate, p.rateChanged = min(p.rate*1.1, p.limit), now
	}
}

func (p *pace) setLimit(now time.Time, limit float64) {
	p.limit, p.rate = limit, limit
	p.nextTurn = earliest(p.nextTurn, now.Add(p.ownInterval()))
	p.askAt = now
}

// interval returns the time between two calls of all processes together.
func (p *pace) interval() time.Duration {
	return time.Duration(headroom * float64(time.Second) / p.rate)
}

// ownInterval returns the time between two calls of this process if each process has the same share.
func (p *pace) ownInterval() time.Duration { return time.Duration(p.processes) * p.interval() }

// expectedWait estimates how long a call that joined now would wait behind this many others.
func (p *pace) expectedWait(now time.Time, waiting int) time.Duration {
	if p.alone {
		turn, _ := p.turn(now)
		return max(turn.Sub(now), 0) + time.Duration(waiting)*p.ownInterval()
	}
	return max(p.blockedUntil.Sub(now), 0) + time.Duration(waiting+p.waitingElsewhere(now))*p.interval()
}

// waitingElsewhere returns how many calls wait in the other processes, or 0 if that is not known.
func (p *pace) waitingElsewhere(now time.Time) int {
	if p.alone || now.Sub(p.known) >= knownFor {
		return 0
	}
	return p.elsewhere
}
