// SPDX-License-Identifier: Apache-2.0

package health

import (
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/policy"
)

const (
	firstProbeDelay = time.Second
	maxProbeDelay   = 30 * time.Second
	// An outage begins when this many calls in a row have failed, over at least this time.
	outageFailures = 10
	outageTime     = 10 * time.Second
	// lastFailures is the number of failures in a row that begins an outage if the event of the latest failure would
	// otherwise be dead-lettered.
	lastFailures = 3
	// aloneAfter is how long no other event may have failed before Doorbell attributes the failures to the one event.
	// During an outage the probes take turns, so that other events fail within a minute or so if any wait.
	aloneAfter = 10 * time.Minute
)

// Cause says why a source is paused.
type Cause int

// The causes.
const (
	// None means that the source is not paused.
	None Cause = iota
	// KeyRejected means that Knock rejects the API key.
	KeyRejected
	// Outage means that calls fail and none succeeds.
	Outage
)

// Probe identifies a probe. Zero is no probe.
type Probe uint64

// Pause stops a source's deliveries while Knock rejects its API key, and while no call succeeds. No retry of a single
// event can help then, so the source waits as a whole: events stay in Redis and the paused time does not count towards
// retryFor.
//
// To notice that the cause has passed, the source claims one event at a time as a probe. The first probe starts after
// one second. Each further delay is twice as long, up to thirty seconds. After a change of the configuration, such as a
// new key, a probe starts at once. A success ends every pause. A pause for a rejected key also ends as soon as Knock
// answers a probe with any other failure.
//
// Its methods are safe for concurrent use.
type Pause struct {
	now func() time.Time

	mu       sync.Mutex
	cause    Cause
	reason   string
	delay    time.Duration // between probes
	next     time.Time     // when the next probe may begin
	probing  Probe         // the probe that is in progress
	probes   Probe         // numbers the probes
	failures int           // transient failures in a row
	failing  time.Time     // when the first of these failures ended
	success  time.Time     // when Knock last accepted a call or rejected one for good
	user     string        // Answer.User of the latest of these failures
	event    string        // Answer.Event of the latest of these failures
	others   time.Time     // when a call of another event than the one before last failed; zero if only one event has
}

// NewPause returns the pause of a source that is not paused.
func NewPause(now func() time.Time) *Pause { return &Pause{now: now} }

// Current returns why the source is paused. It returns None and "" if the source is not paused.
func (p *Pause) Current() (Cause, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause, p.reason
}

// Admit returns how many lanes may be claimed by a pool with this much capacity. If probe is not zero, the lane is for
// a probe, and nothing else is admitted until EndProbe, or until Record has taken the answer to the probe into account.
func (p *Pause) Admit(capacity int) (limit int, probe Probe) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.cause == None || capacity <= 0:
		return capacity, 0
	case p.probing != 0 || p.now().Before(p.next):
		return 0, 0
	default:
		p.probes++
		p.probing = p.probes
		return 1, p.probing
	}
}

// PollDelay returns how long to wait until Admit can return another result: at least a millisecond, at most limit.
func (p *Pause) PollDelay(limit time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cause == None || p.probing != 0 {
		return limit
	}
	return min(max(p.next.Sub(p.now()), time.Millisecond), limit)
}

// Answer is the result of a call.
type Answer struct {
	Meaning policy.Meaning
	// Answered reports whether the server answered.
	Answered bool
	// Reason is why the call has not succeeded.
	Reason string
	// User is the ordering key of the event if the failure may concern only this user, such as a 403 that a firewall
	// sends because of the user's name. Such failures of one user alone never pause the source. Otherwise User is "".
	User string
	// Event is the ID of the event.
	Event string
	// Last reports whether retryFor of the event is over, so that it is dead-lettered unless the source pauses.
	Last bool
	// Failures is the number of transient failures of the event's action in a row, with this one. Failing is how long
	// the event has been retried. Other replicas may have made the earlier attempts.
	Failures int
	Failing  time.Duration
	// Probe is the probe for which the call was made; zero for any other call.
	Probe Probe
}

// Record takes the result of a call into account. It returns the cause of the pause before and after it. alone reports
// whether the call failed in a way that may pass and no other event has failed since the last success, or for ten
// minutes: the event may then be the cause, and not Knock.
func (p *Pause) Record(a Answer) (before, after Cause, alone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before = p.cause
	switch a.Meaning {
	case policy.Succeeded, policy.Permanent:
		p.end()
	case policy.KeyRejected:
		p.recordCause(KeyRejected, a)
	case policy.Transient:
		p.recordFailure(a)
		alone = p.others.IsZero() || p.now().Sub(p.others) > aloneAfter
	}
	return before, p.cause, alone
}

func (p *Pause) end() {
	p.cause, p.reason, p.probing, p.failures, p.success = None, "", 0, 0, p.now()
	p.event, p.others = "", time.Time{}
}

// recordCause starts the pause. If the source is paused for this cause, the delay doubles if the call was the current
// probe, and nothing changes if the call was in progress when the pause started.
func (p *Pause) recordCause(cause Cause, a Answer) {
	switch {
	case p.cause != cause:
		p.cause, p.reason, p.delay = cause, a.Reason, firstProbeDelay
	case a.Probe != 0 && a.Probe == p.probing:
		p.delay = min(2*p.delay, maxProbeDelay)
	default:
		return
	}
	p.next, p.probing = p.now().Add(p.delay), 0
}

func (p *Pause) recordFailure(a Answer) {
	if p.failures == 0 {
		p.failing = p.now()
	}
	if a.User == "" || p.failures == 0 || a.User != p.user {
		p.failures++
	}
	p.user = a.User
	if p.event != "" && p.event != a.Event {
		p.others = p.now()
	}
	p.event = a.Event
	switch {
	case p.cause == KeyRejected && a.Answered && a.Probe != 0 && a.Probe == p.probing:
		p.cause, p.reason, p.probing = None, "", 0
	case p.cause == KeyRejected:
	case p.cause == Outage, p.isOutage(a):
		p.recordCause(Outage, a)
	}
}

// isOutage reports whether enough calls in a row have failed, over enough time, to pause the source.
//
// For the last attempt of an event, fewer failures are enough, so that a source with few calls does not lose events to
// an outage. The event's own failures count too if this process has seen no success since they began: if several
// replicas attempt the event in turn, each of them has seen only some of the failures.
func (p *Pause) isOutage(a Answer) bool {
	failing := p.now().Sub(p.failing)
	switch {
	case !a.Last:
		return p.failures >= outageFailures && failing >= outageTime
	case p.failures >= lastFailures && failing >= outageTime:
		return true
	default:
		return a.User == "" && a.Failures >= lastFailures && a.Failing >= outageTime && p.now().Sub(p.success) > a.Failing
	}
}

// EndProbe allows another probe if the answer to this one has not been recorded: at once if the probe did not call
// Knock, and after the same delay if it did.
func (p *Pause) EndProbe(probe Probe, called bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if probe == 0 || probe != p.probing {
		return
	}
	p.probing = 0
	if called {
		p.next = p.now().Add(p.delay)
	}
}

// ProbeNow allows a probe at once and resets the delay, because the API key may have changed. It does not wait for a
// probe that is in progress, which may still use the former key.
func (p *Pause) ProbeNow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.next, p.probing = firstProbeDelay, p.now(), 0
}
