// SPDX-License-Identifier: Apache-2.0

// Package pipeline runs one source: it opens the source's inbox and event log in Redis, accepts the events that the
// receiver hands to it, and delivers them to Knock. Package ingest runs a Set of pipelines, one for each source. A
// pipeline gets all that it needs as Config and Dependencies; it must never know the server that runs it, nor any other
// pipeline.
package pipeline

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// openRetry is the time between two attempts to open the source in Redis.
const openRetry = time.Second

// Config is the part of a pipeline that may change while it runs: the configuration of one source.
type Config struct {
	Document *document.Document
	// Version identifies the document in the status report. If it is empty, Document.Version is used.
	Version string
	// Program is the executable form of Document.
	Program     *mapping.Program
	Credentials document.Credentials
	// DryRun records calls to Knock instead of making them. Without DryRun, a pipeline that has no API key still
	// accepts and stores events, and delivers them once it gets a key.
	DryRun bool
}

// Dependencies are what all pipelines of a process share. All fields but Shards, MinReplicas, MinLease, Owner,
// Version, Observe and KnockTransport are required.
type Dependencies struct {
	// Connect returns the Redis client that all pipelines share. The pipeline does not close it.
	Connect func(context.Context) (rueidis.Client, error)
	// Shards is the number of shards of a new inbox; 0 means 1. An inbox that exists keeps its number.
	Shards int
	// MinReplicas is the number of replicas of Redis that must have an event on disk before it is accepted.
	MinReplicas int
	// MinLease is the shortest lease of a lane; 0 means 30 seconds. Leases last at least three timeouts of a call.
	MinLease time.Duration
	// Owner, if set, identifies this process and the ones that it replaces. A pipeline takes over the leases of an
	// earlier process with the same owner when it opens, instead of waiting until they expire.
	Owner string
	// Version is the version of Doorbell, for the User-Agent of calls to Knock.
	Version string
	Log     logr.Logger
	Metrics *delivery.Metrics
	// Observe, if set, is called with each event log entry. It must be safe for concurrent use.
	Observe func(eventlog.Entry)
	// KnockTransport sends the calls to Knock. If it is nil, each pipeline uses its own knock.NewTransport.
	KnockTransport http.RoundTripper
	// Now is the wall clock.
	Now func() time.Time
}

// Pipeline runs one source. Its methods are safe for concurrent use, except Run, which must be called once.
type Pipeline struct {
	ref          string // NAMESPACE/NAME of the source
	dependencies Dependencies
	config       atomic.Pointer[Config]
	opened       atomic.Pointer[opened] // nil until the source is open in Redis
	openError    atomic.Pointer[error]  // of the latest attempt to open the source; nil before the first
	attempted    chan struct{}          // closed after the first attempt to open the source

	mu       sync.Mutex // guards the fields below, and makes Configure and open exclude each other
	client   *knock.Client
	clientOf document.Knock // the settings that client uses
}

// New returns a pipeline that does nothing until Run.
func New(config Config, dependencies Dependencies) *Pipeline {
	p := &Pipeline{ref: config.Document.Ref(), dependencies: dependencies, attempted: make(chan struct{})}
	p.store(config)
	return p
}

func (p *Pipeline) store(config Config) {
	if config.Version == "" {
		config.Version = config.Document.Version()
	}
	p.config.Store(&config)
}

// Run opens the source in Redis, and retries until that succeeds. It then delivers events until ctx ends. Before it
// returns, it waits for the calls to Knock that are in progress, for a limited time. Events that it has not delivered
// stay in Redis.
//
// Run does not log that Redis is unavailable. All pipelines share one Redis, so its health monitor, which calls Check,
// logs that once.
func (p *Pipeline) Run(ctx context.Context) {
	attempted := sync.OnceFunc(func() { close(p.attempted) })
	for {
		open, err := p.open(ctx)
		p.openError.Store(&err)
		attempted()
		if err == nil {
			p.work(ctx, open)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(openRetry):
		}
	}
}

// work delivers events, deletes old entries of the event log and old dead letters, and stores the counts of event types
// until ctx ends.
func (p *Pipeline) work(ctx context.Context, open *opened) {
	var background sync.WaitGroup
	defer background.Wait()
	background.Go(func() {
		open.types.Run(ctx, func(err error) {
			p.dependencies.Log.V(1).Info("Event types not stored; the next attempt follows in a second", "source", p.ref, "error", err.Error())
		})
	})
	background.Go(func() {
		open.log.Run(ctx, func(err error) {
			p.dependencies.Log.V(1).Info("Old event log entries not deleted; the next attempt follows in a minute", "source", p.ref, "error", err.Error())
		})
	})
	background.Go(func() {
		open.inbox.Run(ctx, func(err error) {
			p.dependencies.Log.V(1).Info("Old dead letters not deleted; the next attempt follows in a minute", "source", p.ref, "error", err.Error())
		})
	})
	if err := open.pool.Run(ctx); err != nil {
		p.dependencies.Log.Error(err, "Deliveries stopped", "source", p.ref)
	}
}

// Configure applies a changed configuration of the same source without interrupting requests or deliveries.
func (p *Pipeline) Configure(config Config) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.config.Load()
	p.store(config)
	open := p.opened.Load()
	if open == nil {
		return // open applies the latest configuration
	}
	if before.Document.Knock != config.Document.Knock || before.Credentials.APIKey != config.Credentials.APIKey {
		open.pool.ResetKnockStatus()
	}
	open.inbox.Configure(p.inboxLimits(&config))
	open.log.Configure(p.inboxLimits(&config).Log)
	open.pool.Configure(p.deliverySettings(&config))
}

// Endpoint returns what the receiver serves for the source under the current configuration.
func (p *Pipeline) Endpoint() *receiver.Endpoint {
	config := p.config.Load()
	doc := config.Document
	endpoint := &receiver.Endpoint{
		Namespace: doc.Namespace, Name: doc.Name,
		Tokens: config.Credentials.Tokens, Verification: doc.Verification,
		Secrets:  []string{config.Credentials.Verification, config.Credentials.FormerVerification},
		Identify: identify(config.Program), Accept: p.accept, RecordDuplicates: p.recordDuplicates,
	}
	if config.Program.ReadsHeaders() {
		endpoint.ReadsHeader = config.Program.ReadsHeader
	}
	return endpoint
}
