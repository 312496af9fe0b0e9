// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"sync"
	"time"
)

const (
	firstProbeDelay = time.Second
	maxProbeDelay   = 30 * time.Second
)

// pause stops a source's deliveries while Knock rejects its API key. A rejected key fails every call, and no retry of an event can
// help, so the source waits as a whole: events stay in Redis and the paused time does not count towards retryFor.
//
// To notice that the key works again, the source claims one event at a time as a probe: after one second, then after twice the
// delay, up to thirty seconds. Any answer of Knock that is not a rejection of the key ends the pause. A changed configuration, such
// as a new key, is probed at once.
type pause struct {
	now func() time.Time

	mu      sync.Mutex
	reason  string        // "" if the source is not paused
	delay   time.Duration // between probes
	next    time.Time     // when the next probe may begin
	probing bool          // a probe is in progress
}

// currentReason returns why the source is paused, "" if it is not.
func (p *pause) currentReason() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// admit returns how many lanes may be claimed by a pool with this much capacity, and whether the one lane is a probe. After
// admitting a probe it admits nothing until endProbe, rejected or accepted is called.
func (p *pause) admit(capacity int) (limit int, probe bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.reason == "" || capacity <= 0:
		return capacity, false
	case p.probing || p.now().Before(p.next):
		return 0, false
	default:
		p.probing = true
		return 1, true
	}
}

// pollDelay returns how long to wait until admit can return another result: at least a millisecond, at most limit.
func (p *pause) pollDelay(limit time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason == "" || p.probing {
		return limit
	}
	return min(max(p.next.Sub(p.now()), time.Millisecond), limit)
}

// rejected starts the pause, or doubles the delay if a probe was rejected. It reports whether the pause has started.
func (p *pause) rejected(reason string) (started bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	started = p.reason == ""
	switch {
	case started:
		p.delay = firstProbeDelay
	case p.probing:
		p.delay = min(2*p.delay, maxProbeDelay)
	default: // the answer to a call that was in progress when the pause started
		return false
	}
	p.reason, p.next, p.probing = reason, p.now().Add(p.delay), false
	return started
}

// accepted ends the pause. It reports whether the source was paused.
func (p *pause) accepted() (ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ended = p.reason != ""
	p.reason, p.probing = "", false
	return ended
}

// endProbe allows another probe: at once if this one did not call Knock, and after the same delay if Knock did not answer it.
func (p *pause) endProbe(called bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.probing = false
	if called && p.reason != "" {
		p.next = p.now().Add(p.delay)
	}
}

// probeNow allows a probe at once and resets the delay, because the API key may have changed.
func (p *pause) probeNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.next = firstProbeDelay, p.now()
}
