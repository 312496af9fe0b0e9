// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"sync"
	"time"
)

const (
	firstProbe = time.Second
	lastProbe  = 30 * time.Second
)

// pause holds a source's deliveries back while Knock refuses its API key: one request at a time asks again, after a
// second, then two, up to thirty.
type pause struct {
	now func() time.Time

	mu      sync.Mutex
	reason  string // "" when deliveries go on
	delay   time.Duration
	next    time.Time
	probing bool
}

func (p *pause) because() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// admit returns how many users may be claimed when there is room for some, and whether the one is a probe.
func (p *pause) admit(room int) (most int, probe bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reason == "" || room <= 0:
		return room, false
	case p.probing || p.now().Before(p.next):
		return 0, false
	default:
		p.probing = true
		return 1, true
	}
}

// rest is how long until something can change, at most limit.
func (p *pause) rest(limit time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason == "" || p.probing {
		return limit
	}
	return min(max(p.next.Sub(p.now()), time.Millisecond), limit)
}

// refused starts or prolongs the pause; true when it started.
func (p *pause) refused(reason string) (started bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	started = p.reason == ""
	switch {
	case started:
		p.delay = firstProbe
	case p.probing:
		p.delay = min(2*p.delay, lastProbe)
	default: // one of several calls that were under way when the pause began
		return false
	}
	p.reason, p.next, p.probing = reason, p.now().Add(p.delay), false
	return started
}

// answered ends the pause: Knock has taken the key. True when there was one.
func (p *pause) answered() (ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended = p.reason != ""
	p.reason, p.probing = "", false
	return ended
}

// endProbe lets another probe start; later, if this one asked Knock and got no answer.
func (p *pause) endProbe(asked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
	if asked && p.reason != "" {
		p.next = p.now().Add(p.delay)
	}
}

// probeNow forgets how long the pause has lasted, for the key may be another.
func (p *pause) probeNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.next = firstProbe, p.now()
}
