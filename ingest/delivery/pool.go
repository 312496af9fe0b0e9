// SPDX-License-Identifier: Apache-2.0

// Package delivery turns accepted events into calls to Knock. The data plane runs one Pool for each source. The pool
// leases due lanes from the inbox, evaluates the mappings of each event, makes the calls in order, retries transient
// failures, and records the outcome of every event. It must never begin a call that can outlast its lease, and must
// never change a plan after the first attempt.
package delivery

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/delivery/bulk"
	"github.com/doorbell-dev/doorbell/ingest/delivery/catchup"
	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// pollInterval is how often a dispatcher claims lanes even if nothing wakes it. It then finds events that another
	// process accepted, and lanes whose leases have ended.
	pollInterval = time.Second
	// drainTimeout is how long calls in progress may continue after the context of Run ends.
	drainTimeout = 10 * time.Second
)

// Caller makes one attempt at a call to Knock. It returns a *knock.Error if Knock answered with anything other than
// success.
type Caller interface {
	Do(ctx context.Context, request knock.Request) (knock.Response, error)
}

// Config holds the parts of a Pool that do not change. All fields except Permits, Observe and Metrics are required.
type Config struct {
	// Source is NAMESPACE/NAME.
	Source string
	Inbox  *inbox.Inbox
	// Permits share the rate limits with the other processes of the source. If it is nil, the limits hold for this
	// process only.
	Permits ratelimit.Permits
	Log     logr.Logger
	// Metrics may be nil.
	Metrics *Metrics
	// Observe, if not nil, receives every entry that the pool has written to the event log. Several goroutines call it
	// at once.
	Observe func(eventlog.Entry)
	// Now returns the wall-clock time.
	Now func() time.Time
}

// Settings may change while a Pool runs; see Pool.Configure.
type Settings struct {
	// Lease is the length of the inbox's leases.
	Lease    time.Duration
	Program  *mapping.Program
	Delivery document.Delivery
	Redactor *eventlog.Redactor
	Caller   Caller
}

// Pool delivers the events of one source. Its methods are safe for concurrent use.
type Pool struct {
	config       Config
	settings     atomic.Pointer[activeSettings]
	pause        *health.Pause
	health       health.Status
	bulk         *bulk.Batcher
	forecast     *catchup.Forecast
	longestWait  atomic.Int64 // for how many ns a call has waited for its turn since the latest measurement
	leases       activeLeases
	atCapacity   atomic.Bool     // lanes may be due that no dispatcher can claim until an executor ends or waits
	dispatchers  []chan struct{} // wakes the dispatcher of each shard
	reconfigured chan struct{}   // wakes the renewal of leases
}

// activeSettings holds the current Settings and the limits that they configure.
type activeSettings struct {
	Settings
	limits *ratelimit.Limits
	slots  chan struct{} // holds one value for each call in progress
}

// New returns a pool. The pool does nothing until Run.
func New(config Config, settings Settings) *Pool {
	p := &Pool{
		config: config, pause: health.NewPause(config.Now), forecast: catchup.New(), reconfigured: make(chan struct{}, 1),
		leases: activeLeases{work: map[*inbox.Lease]leasedWork{}},
	}
	p.bulk = bulk.New(p.callBulk, p.bulkInterval)
	for range config.Inbox.Shards() {
		p.dispatchers = append(p.dispatchers, make(chan struct{}, 1))
	}
	p.Configure(settings)
	config.Metrics.setPaused(config.Source, health.None)
	return p
}

// Configure replaces the settings. An event keeps its plan if one of its requests may have been sent. If the source is
// paused, the pool probes Knock at once, because the API key or the base URL may have changed.
func (p *Pool) Configure(settings Settings) {
	next := &activeSettings{Settings: settings, slots: make(chan struct{}, max(settings.Delivery.Concurrency, 1))}
	if last := p.settings.Load(); last != nil && cap(last.slots) == cap(next.slots) {
		next.slots = last.slots
	}
	if last := p.settings.Load(); last != nil {
		next.limits = last.limits
		next.limits.Configure(settings.Delivery.RateLimits)
	} else {
		next.limits = ratelimit.New(settings.Delivery.RateLimits, p.config.Permits)
	}
	p.settings.Store(next)
	p.pause.ProbeNow()
	p.wakeAll()
	wake(p.reconfigured)
}

// Paused returns the reason why the source is paused, or "" if it is not paused.
func (p *Pool) Paused() string {
	_, reason := p.pause.Current()
	return reason
}

// KnockStatus returns the state of Knock according to the source's most recent calls.
func (p *Pool) KnockStatus() report.Knock { return p.health.Knock() }

// ResetKnockStatus forgets the results of earlier calls. Call it when the base URL or the API key has changed.
func (p *Pool) ResetKnockStatus() { p.health.Reset() }

// reportPause logs the beginning and the end of a pause. When a pause ends, it wakes the dispatchers.
func (p *Pool) reportPause(before, after health.Cause, err error) {
	if before == after {
		return
	}
	log := p.config.Log.WithValues("source", p.config.Source)
	switch {
	case after == health.KeyRejected:
		log.Error(err, "Delivery paused: Knock rejected the API key; events stay in Redis")
	case after == health.Outage:
		log.Error(err, "Delivery paused: no call to Knock succeeds; events stay in Redis")
	case before == health.KeyRejected:
		log.Info("Delivery resumed: Knock accepted the API key")
	default:
		log.Info("Delivery resumed: Knock answers again")
	}
	p.config.Metrics.setPaused(p.config.Source, after)
	if after == health.None {
		p.wakeAll()
	}
}

// wakeAll makes the dispatchers of all shards claim again now.
func (p *Pool) wakeAll() {
	for _, dispatcher := range p.dispatchers {
		wake(dispatcher)
	}
}

func wake(signal chan<- struct{}) {
	select {
	case signal <- struct{}{}:
	default: // the last signal has not been received yet
	}
}

// Run delivers events until ctx ends. Then it claims no more lanes, begins no more calls, waits up to ten seconds for
// the calls in progress, and makes the lanes of unfinished events due at once for other processes.
func (p *Pool) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	release := context.AfterFunc(ctx, func() { time.AfterFunc(drainTimeout, stop) })
	defer release()

	var dispatchers errgroup.Group
	workers := p.newWorkers(work, ctx)
	for shard := range p.dispatchers {
		dispatchers.Go(func() error { return p.dispatch(ctx, shard, workers) })
	}
	renewing, stopRenewing := context.WithCancel(work)
	defer stopRenewing()
	var renewer sync.WaitGroup
	renewer.Go(func() { p.renewLeases(renewing) })
	renewer.Go(func() { p.measureQueue(renewing) })
	renewer.Go(func() { p.bulk.Run(renewing) })

	err := dispatchers.Wait()
	workers.stop()
	stopRenewing()
	renewer.Wait()
	return err
}
