// SPDX-License-Identifier: Apache-2.0

// Package catchup forecasts how long a source that is behind needs until all its waiting events are delivered. Delivery
// gives it a Sample every few seconds. It must perform no I/O, and nothing may depend on its forecast but what users
// see.
package catchup

import (
	"math"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	// limitWait is how long calls must wait for the limit of an endpoint for the limit to be what holds deliveries back.
	limitWait = 500 * time.Millisecond
	// smoothing is the time over which the rate of arrivals is averaged.
	smoothing = 30 * time.Second
	// deviation is the number of standard deviations beyond which a rate of arrivals is a new rate, not a random
	// variation of the old one.
	deviation = 4
	// fading is the part that each older interval has in the mix of calls, compared with the one after it.
	fading = 0.7
)

// Sample describes a source at one time.
type Sample struct {
	At time.Time
	// Waiting is the number of events that are accepted and not finished, and Finished is the number of events that
	// have been finished since some time in the past, both in all processes.
	Waiting, Finished int64
	// Behind reports that events are due and not being delivered, or that calls wait for a rate limit.
	Behind bool
	// Limits describes the calls to each endpoint.
	Limits []ratelimit.Load
	// Elsewhere is the forecast of another process in seconds. It is used if this process is not behind itself.
	Elsewhere float64
}

// Forecast is the forecast for one source. Its methods are safe for concurrent use.
type Forecast struct {
	mu       sync.Mutex
	last     Sample
	seconds  float64
	arrivals rate
	free     float64 // events a second that all processes deliver while they are behind and no limit binds; 0 if unknown

	underWay        int      // events that this process is delivering
	demand          demand   // the calls of these events
	recent, planned demandOf // of the events that this process has planned: recently, since the latest sample
	finished        demandOf // of the events that this process has finished since the latest sample
	served          demand   // calls a second that all processes have made in the latest interval
}

// demand is a number of calls to each endpoint.
type demand map[knock.Endpoint]float64

func (d demand) add(p *progress.Progress, times float64) {
	if p == nil { // the event was never planned
		return
	}
	for _, a := range p.Actions {
		for _, c := range a.Calls {
			d[c.Request.Endpoint] += times
		}
	}
}

// demandOf is the calls that a number of events need.
type demandOf struct {
	events float64
	calls  demand
}

func newDemandOf() demandOf { return demandOf{calls: demand{}} }

func (d *demandOf) add(p *progress.Progress, times float64) {
	d.events += times
	d.calls.add(p, times)
}

// perEvent returns how many calls to an endpoint an event needs on average.
func (d *demandOf) perEvent(endpoint knock.Endpoint) float64 {
	if d.events <= 0 {
		return 0
	}
	return max(d.calls[endpoint], 0) / d.events
}

// New returns a forecast that nothing waits.
func New() *Forecast {
	return &Forecast{demand: demand{}, recent: newDemandOf(), planned: newDemandOf(), finished: newDemandOf(), served: demand{}}
}

// Begin counts the calls of an event that this process begins to deliver, after the event has been planned. The progress
// is nil if it cannot be planned.
func (f *Forecast) Begin(p *progress.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.underWay++
	f.demand.add(p, 1)
	f.planned.add(p, 1)
}

// End ends what Begin has begun. If the event is not finished, this or another process begins again later.
func (f *Forecast) End(p *progress.Progress, finished bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.underWay--
	f.demand.add(p, -1)
	if finished {
		f.finished.add(p, 1)
	} else {
		f.planned.add(p, -1)
	}
}

// Observe takes a sample into account and returns the new forecast; see Seconds.
func (f *Forecast) Observe(s Sample) float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if elapsed := s.At.Sub(f.last.At).Seconds(); !f.last.At.IsZero() && s.Finished >= f.last.Finished && elapsed > 0 {
		finished := float64(s.Finished - f.last.Finished)
		f.arrivals.observe(max(float64(s.Waiting-f.last.Waiting)+finished, 0), elapsed)
		f.observeCalls(finished / elapsed)
		if finished > 0 && s.Behind && f.last.Behind && !limited(s.Limits) {
			f.free = finished / elapsed
		}
	}
	f.last, f.seconds = s, s.Elsewhere
	if s.Behind {
		f.seconds = f.forecast()
	}
	return f.seconds
}

// observeCalls updates the mix of calls, and how many calls of each endpoint all processes have made, on the assumption
// that the finished events of the other processes had the same mix.
func (f *Forecast) observeCalls(finishedPerSecond float64) {
	f.served = demand{}
	for endpoint := range f.finished.calls {
		f.served[endpoint] = f.finished.perEvent(endpoint) * finishedPerSecond
	}
	f.finished = newDemandOf()
	if f.planned.events <= 0 {
		return
	}
	f.recent.events = fading*f.recent.events + f.planned.events
	for endpoint := range f.recent.calls {
		f.recent.calls[endpoint] *= fading
	}
	for endpoint, calls := range f.planned.calls {
		f.recent.calls[endpoint] += calls
	}
	f.planned = newDemandOf()
}

// limited reports whether a limit holds deliveries back.
func limited(limits []ratelimit.Load) bool {
	for _, l := range limits {
		if l.Wait >= limitWait {
			return true
		}
	}
	return false
}

// forecast returns the time that the slowest of these takes: the calls to each endpoint at its limit, and all events at
// the speed of the processes. It returns +Inf if neither is known, because nothing has been delivered yet.
func (f *Forecast) forecast() float64 {
	longest := 0.0
	if f.free > 0 && !limited(f.last.Limits) {
		longest = drain(float64(f.last.Waiting), f.free, f.arrivals.perSecond)
	}
	others := float64(max(f.last.Waiting-int64(f.underWay), 0)) // the calls of these events are unknown
	for _, l := range f.last.Limits {
		perEvent := f.recent.perEvent(l.Endpoint)
		calls := f.demand[l.Endpoint] + max(float64(l.WaitingElsewhere), others*perEvent)
		speed := max(l.Rate, f.served[l.Endpoint]) // calls in bulk are faster than the limit on single ones
		longest = max(longest, drain(calls, speed, f.arrivals.perSecond*perEvent))
	}
	if longest == 0 && f.last.Waiting > 0 {
		return math.Inf(1)
	}
	return longest
}

// drain returns the seconds until a queue is empty. It returns +Inf if the queue does not become shorter.
func drain(waiting, speed, arrivals float64) float64 {
	switch {
	case waiting == 0:
		return 0
	case speed <= arrivals:
		return math.Inf(1)
	default:
		return waiting / (speed - arrivals)
	}
}

// Seconds returns the number of waiting events in the latest sample, and the forecast of the seconds from now until
// they and the events that arrive in the meantime are delivered. It is 0 if the source is not behind, and +Inf if it
// never catches up at the present rate of arrivals, or if it has delivered nothing yet. During a pause, it is the
// forecast for the time after the pause.
func (f *Forecast) Seconds(now time.Time) (waiting int64, seconds float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last.Waiting, max(f.seconds-now.Sub(f.last.At).Seconds(), 0)
}

// rate is an average number of events a second.
type rate struct{ perSecond float64 }

// observe takes an interval with n events into account. It starts from the new value if that is far from the average.
func (r *rate) observe(n, elapsed float64) {
	latest := n / elapsed
	random := math.Sqrt(max(r.perSecond, latest)/elapsed) + 1/elapsed
	if math.Abs(latest-r.perSecond) > deviation*random {
		r.perSecond = latest
		return
	}
	r.perSecond += (latest - r.perSecond) * min(elapsed/smoothing.Seconds(), 1)
}
