// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

const (
	// minLease is how long a worker's claim on a user lasts without renewal; longer where calls may take longer.
	minLease = 30 * time.Second
	// openRetry is how often a source whose Redis is away looks for it.
	openRetry = time.Second
	// openWait is how long new sources may look for Redis before their senders hear that it is away.
	openWait = time.Second
)

// source is one running source.
type source struct {
	server  *Server
	ref     string
	config  atomic.Pointer[Source]
	version atomic.Pointer[string] // of the document in config
	opened  atomic.Pointer[opened] // nil until Redis was there
	tried   chan struct{}          // closed when Redis was looked for once
	cancel  context.CancelFunc
	done    chan struct{}

	mu     sync.Mutex // guards what follows, and makes configure one step
	client *knock.Client
	calls  document.Knock
}

// opened is what a source has once Redis is there.
type opened struct {
	inbox *inbox.Inbox
	log   *eventlog.Log
	pool  *delivery.Pool
}

func (s *Server) start(ctx context.Context, config Source) *source {
	ctx, cancel := context.WithCancel(ctx)
	running := &source{server: s, ref: config.Document.Ref(), cancel: cancel, tried: make(chan struct{}), done: make(chan struct{})}
	running.load(config)
	go func() {
		defer close(running.done)
		running.run(ctx)
	}()
	return running
}

func (r *source) load(config Source) {
	version := config.Version
	if version == "" {
		version = config.Document.Version()
	}
	r.config.Store(&config)
	r.version.Store(&version)
}

// awaitFirstOpening keeps a source that is called ready from turning its first events away.
func awaitFirstOpening(ctx context.Context, sources []*source) {
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	for _, source := range sources {
		select {
		case <-source.tried:
		case <-ctx.Done():
			return
		}
	}
}

// stop ends deliveries; what is not delivered waits in Redis.
func (r *source) stop() {
	r.cancel()
	<-r.done
}

func (r *source) run(ctx context.Context) {
	log := r.server.config.Log.WithValues("source", r.ref)
	alone := r.server.config.Admin == nil // otherwise the vigil over Redis tells
	for waited := false; ; waited = true {
		open, err := r.open(ctx)
		if !waited {
			close(r.tried)
		}
		if err == nil {
			if waited && alone {
				log.Info("Redis is there")
			}
			if err := open.pool.Run(ctx); err != nil {
				log.Error(err, "deliveries stopped")
			}
			return
		}
		if !waited && alone && ctx.Err() == nil {
			log.Error(err, "Redis is away; events are answered 429 until it is there")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(openRetry):
		}
	}
}

func (r *source) open(ctx context.Context) (*opened, error) {
	client, err := r.server.redis.get(ctx)
	if err != nil {
		return nil, err
	}
	config := r.config.Load()
	lease := max(minLease, 3*config.Document.Delivery.Timeout)
	box, err := inbox.Open(ctx, client, r.ref, inbox.Options{
		Shards: r.server.config.Shards, Owner: r.server.config.Owner, Lease: lease, Limits: limits(config),
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	config = r.config.Load() // a change may have come meanwhile
	box.Configure(limits(config))
	open := &opened{
		inbox: box,
		log:   eventlog.Open(client, box.Space(), limits(config).Log),
		pool: delivery.New(delivery.Config{
			Source: r.ref, Inbox: box, Lease: lease, Log: r.server.config.Log, Metrics: r.server.metrics,
			Observe: r.server.config.Observe, Now: r.server.config.Now,
		}, r.settings(config)),
	}
	r.opened.Store(open)
	return open, nil
}

func limits(config *Source) inbox.Limits {
	log := config.Document.EventLog
	return inbox.Limits{
		Window: config.Document.Event.Window,
		Log:    eventlog.Limits{MaxEvents: log.MaxEvents, Retention: log.Retention},
	}
}

func (r *source) settings(config *Source) delivery.Settings {
	limits := config.Document.Delivery
	limits.Suspend = limits.Suspend || config.Credentials.APIKey == "" && !config.DryRun
	return delivery.Settings{
		Program: config.Program, Delivery: limits, Caller: r.caller(config), Redactor: redactor(config),
	}
}

func redactor(config *Source) *eventlog.Redactor {
	log := config.Document.EventLog
	return eventlog.NewRedactor(log.Redact, log.OmitPayloads)
}

// caller keeps the client, and with it the connections, for as long as it calls the same place.
func (r *source) caller(config *Source) delivery.Caller {
	if config.DryRun {
		return delivery.DryRun{}
	}
	if to := config.Document.Knock; r.client == nil || r.calls != to {
		r.calls = to
		r.client = knock.New(knock.Config{
			BaseURL: to.BaseURL, Branch: to.Branch, UserAgent: "doorbell/" + r.server.config.Version,
			APIKey: func() string { return r.config.Load().Credentials.APIKey },
		})
	}
	return r.client
}

// configure applies a changed configuration without interrupting anything.
func (r *source) configure(config Source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.config.Load()
	r.load(config)
	if open := r.opened.Load(); open != nil {
		if before.Document.Knock != config.Document.Knock || before.Credentials.APIKey != config.Credentials.APIKey {
			open.pool.ResetKnockStatus()
		}
		open.inbox.Configure(limits(&config))
		open.log.Configure(limits(&config).Log)
		open.pool.Configure(r.settings(&config))
	}
}

// served is the source as the receiver sees it.
func (r *source) served(config Source) *receiver.Endpoint {
	doc := config.Document
	return &receiver.Endpoint{
		Namespace: doc.Namespace, Name: doc.Name,
		Tokens: config.Credentials.Tokens, Verification: doc.Verification, Secret: config.Credentials.Verification,
		Identify: config.Program.Identify, Accept: r.accept, Duplicates: r.duplicates,
	}
}

func (r *source) accept(ctx context.Context, events []*event.Event) ([]inbox.Receipt, error) {
	open := r.opened.Load()
	if open == nil {
		return nil, fmt.Errorf("%w: not opened yet", inbox.ErrUnavailable)
	}
	return open.inbox.Accept(ctx, events)
}

// duplicates gives each copy a log entry of its own. The log is best effort here: the answer does not wait for its success.
func (r *source) duplicates(ctx context.Context, events []*event.Event, receipts []inbox.Receipt) {
	open, config := r.opened.Load(), r.config.Load()
	redact := redactor(config)
	var entries []eventlog.Entry
	for i, e := range events {
		if !receipts[i].Duplicate {
			continue
		}
		at := receipts[i].ReceivedAt
		entries = append(entries, redact.Apply(eventlog.Entry{
			ID: e.ID, Source: r.ref, Type: e.Type, Key: e.Key, OrderingKey: e.OrderingKey, ReceivedAt: at, FinishedAt: &at,
			Timestamp: config.Program.Timestamp(e), Status: eventlog.Duplicate, DuplicateOf: receipts[i].DuplicateOf,
			Reason: "the same key and type were received before", Verification: e.Verification, Payload: e.Body,
		}))
	}
	if err := open.log.Append(ctx, entries); err != nil {
		r.server.config.Log.V(1).Info("cannot log duplicates", "source", r.ref, "error", err.Error())
	}
	if r.server.config.Observe != nil {
		for _, entry := range entries {
			r.server.config.Observe(entry)
		}
	}
}
