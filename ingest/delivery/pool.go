// SPDX-License-Identifier: Apache-2.0

// Package delivery turns accepted events into calls to Knock: it claims users' events in their order, makes each event's
// calls, retries what may pass, and records how every event ended.
package delivery

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

const (
	// pollEvery is how long a shard may rest without a look: events that another process took, and leases that ran out, are
	// found by looking.
	pollEvery = time.Second
	// drainFor is how long calls under way may go on after Run was told to stop.
	drainFor = 10 * time.Second
)

// Caller makes one attempt at a call to Knock.
type Caller interface {
	Do(ctx context.Context, request knock.Request) (knock.Response, error)
}

// Config is what a Pool is made of. All but Observe and Metrics are required.
type Config struct {
	// Source is NAMESPACE/NAME.
	Source string
	Inbox  *inbox.Inbox
	// Lease is how long the inbox's claims last.
	Lease time.Duration
	Log   logr.Logger
	// Metrics may be nil.
	Metrics *Metrics
	// Observe is told of every entry for the event log, as logged, from many goroutines.
	Observe func(eventlog.Entry)
	// Now is the wall clock.
	Now func() time.Time
}

// Settings are what may change while a Pool runs.
type Settings struct {
	Program  *mapping.Program
	Delivery document.Delivery
	Redactor *eventlog.Redactor
	Caller   Caller
}

// Pool delivers one source's events.
type Pool struct {
	config   Config
	settings atomic.Pointer[live]
	pause    pause
	health   health
	held     held
	full     atomic.Bool     // a shard waits for room
	wake     []chan struct{} // one a shard
}

// live is Settings with what is counted under them.
type live struct {
	Settings
	limits *limiters
	slots  chan struct{} // calls under way
}

// New returns a pool that does nothing until Run.
func New(config Config, settings Settings) *Pool {
	p := &Pool{config: config, pause: pause{now: config.Now}, held: held{claims: map[*inbox.Claim]context.CancelCauseFunc{}}}
	for range config.Inbox.Shards() {
		p.wake = append(p.wake, make(chan struct{}, 1))
	}
	p.Configure(settings)
	return p
}

// Configure replaces the settings; events that already have a plan keep it. A source that is paused for its API key is
// tried again at once.
func (p *Pool) Configure(settings Settings) {
	next := &live{Settings: settings, slots: make(chan struct{}, max(settings.Delivery.Concurrency, 1))}
	if last := p.settings.Load(); last != nil && cap(last.slots) == cap(next.slots) {
		next.slots = last.slots
	}
	if last := p.settings.Load(); last != nil {
		next.limits = last.limits
		next.limits.configure(settings.Delivery.RateLimits)
	} else {
		next.limits = newLimiters(settings.Delivery.RateLimits, p.config.Now)
	}
	p.settings.Store(next)
	p.pause.probeNow()
	p.wakeAll()
}

// Paused is the reason why Knock is not called, or "".
func (p *Pool) Paused() string { return p.pause.because() }

func (p *Pool) wakeAll() {
	for _, wake := range p.wake {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// Run delivers until ctx ends, then lets the calls under way finish, for at most ten seconds.
func (p *Pool) Run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	release := context.AfterFunc(ctx, func() { time.AfterFunc(drainFor, stop) })
	defer release()

	var group errgroup.Group
	var jobs sync.WaitGroup
	for shard := range p.wake {
		group.Go(func() error { return p.dispatch(ctx, working, shard, &jobs) })
	}
	renewing, stopRenewing := context.WithCancel(working)
	defer stopRenewing()
	var renewer sync.WaitGroup
	renewer.Go(func() { p.renew(renewing) })

	err := group.Wait()
	jobs.Wait()
	stopRenewing()
	renewer.Wait()
	return err
}

// dispatch claims a shard's due users and starts a job for each.
func (p *Pool) dispatch(ctx, working context.Context, shard int, jobs *sync.WaitGroup) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-p.config.Inbox.Arrived(shard):
		case <-p.wake[shard]:
		}
		timer.Reset(p.claim(ctx, working, shard, jobs))
	}
}

// claim takes as many users as there is room for and returns how long to rest.
func (p *Pool) claim(ctx, working context.Context, shard int, jobs *sync.WaitGroup) time.Duration {
	settings := p.settings.Load()
	room := p.room(settings)
	if settings.Delivery.Suspend || room <= 0 || ctx.Err() != nil {
		return pollEvery
	}
	most, probe := p.pause.admit(room)
	if most == 0 {
		return p.pause.rest(pollEvery)
	}
	claimed, err := p.config.Inbox.Claim(working, shard, most) // not ctx: what Redis has given must be known, to be given back
	if probe && len(claimed.Claims) == 0 {
		p.pause.endProbe(false)
	}
	if err != nil {
		p.config.Log.V(1).Info("cannot claim events", "source", p.config.Source, "error", err.Error())
		return pollEvery
	}
	for _, claim := range claimed.Claims {
		jobs.Add(1)
		p.held.start(working, claim, func(work context.Context) { p.work(work, ctx, claim, probe) }, func() {
			defer jobs.Done()
			if probe || p.full.Swap(false) {
				p.wakeAll()
			}
		})
	}
	switch {
	case probe && len(claimed.Claims) > 0:
		return p.pause.rest(pollEvery)
	case len(claimed.Claims) >= most:
		return 0
	case claimed.Next < 0:
		return pollEvery
	default:
		return min(claimed.Next, pollEvery)
	}
}

// room is how many more users may be claimed: those whose calls are under way and some who wait for a rate limit. When
// there is none, the next job that ends wakes who asked.
func (p *Pool) room(settings *live) int {
	most := max(4*cap(settings.slots), 256)
	if room := most - p.held.count(); room > 0 {
		return room
	}
	p.full.Store(true) // before the second look, which sees every job that did not see this
	return most - p.held.count()
}
