// SPDX-License-Identifier: Apache-2.0

// Package ingest is the data plane: it wires receiver, inbox, delivery and event log together for any number of sources.
// Events flow receive → inbox → deliver → log.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/admin"
	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// stopFor is how long requests under way may take when the process stops.
const stopFor = 10 * time.Second

// Source is one source to serve.
type Source struct {
	Document *document.Document
	// Version is what the report calls the document; empty means Document.Version.
	Version     string
	Program     *mapping.Program
	Credentials document.Credentials
	// DryRun shows calls instead of making them. Without it a source that has no API key takes events and waits for one.
	DryRun bool
}

// Config is what the data plane is made of.
type Config struct {
	// Listener takes the senders' requests.
	Listener net.Listener
	// Admin serves /healthz, /readyz, /metrics and /status; nil serves none.
	Admin net.Listener
	// Connect opens Redis. It is called again, after a while, for as long as it fails.
	Connect func(context.Context) (rueidis.Client, error)
	// Shards is for new inboxes; 0 means 1, which is right for anything but a Redis Cluster.
	Shards int
	// Owner, if set, names the one process that may deliver at a time; it goes on at once where an earlier one was killed.
	Owner string
	// Version goes into the User-Agent.
	Version string
	Log     logr.Logger
	// Registry is required.
	Registry *prometheus.Registry
	// Now is the wall clock.
	Now func() time.Time
	// Observe, if set, is told of every event log entry, from many goroutines.
	Observe func(eventlog.Entry)
	// Drain is how long requests are still taken after ctx ended, each on a connection that is closed then. It gives what stands in
	// front time to send them elsewhere.
	Drain time.Duration
	// Problem, if set, says why what should be served is not, or not all of it; it goes into the report.
	Problem func() string
	// Applied, if set, is told of each set of sources once it is served.
	Applied func([]Source)
}

// Server runs the data plane.
type Server struct {
	config   Config
	receiver *receiver.Receiver
	redis    *connection
	metrics  *delivery.Metrics
	vigil    vigil
	sources  map[string]*source

	mu     sync.Mutex // guards served
	served map[string]*source
}

// New returns a server that does nothing until Run.
func New(config Config) *Server {
	return &Server{
		config:   config,
		receiver: receiver.New(receiver.Options{Log: config.Log, Metrics: config.Registry}),
		redis:    &connection{connect: config.Connect},
		metrics:  delivery.NewMetrics(config.Registry),
		sources:  map[string]*source{},
	}
}

// Run serves the sources that come in by updates, each set replacing the one before, until ctx ends. Then it stops taking
// events, finishes what is under way, and returns nil.
func (s *Server) Run(ctx context.Context, updates <-chan []Source) error {
	group, ctx := errgroup.WithContext(ctx)
	delivering, stopDelivering := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDelivering()
	defer s.redis.close()
	stopping := after(ctx, s.config.Drain, s.receiver.Drain)

	group.Go(func() error { return s.serve(delivering, s.receiver.Server(), receiver.Listener(s.config.Listener)) })
	if s.config.Admin != nil {
		handler := admin.Handler(s.ready, s.config.Registry, s.Report)
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
		group.Go(func() error { return s.serve(delivering, server, s.config.Admin) })
		group.Go(func() error {
			s.vigil.keep(delivering, s.redis, s.reach, s.config.Log)
			return nil
		})
	}
	group.Go(func() error {
		defer stopDelivering()
		defer s.stopSources()
		for {
			select {
			case <-stopping:
				s.receiver.Stop()
				return nil
			case sources := <-updates:
				s.apply(delivering, sources)
			}
		}
	})
	return group.Wait()
}

// serve runs a server until ctx ends and its requests have finished.
func (s *Server) serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	stopped := make(chan error, 1)
	release := context.AfterFunc(ctx, func() {
		s.receiver.Stop()
		finishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopFor)
		defer cancel()
		stopped <- server.Shutdown(finishing)
	})
	defer release()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	}
	if err := <-stopped; err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

// apply makes the running sources those of the set.
func (s *Server) apply(ctx context.Context, set []Source) {
	wanted := map[string]bool{}
	var fresh []*source
	served := make([]*receiver.Endpoint, 0, len(set))
	for _, config := range set {
		ref := config.Document.Ref()
		wanted[ref] = true
		if running, ok := s.sources[ref]; ok {
			running.configure(config)
		} else {
			s.sources[ref] = s.start(ctx, config)
			fresh = append(fresh, s.sources[ref])
		}
		served = append(served, s.sources[ref].served(config))
	}
	awaitFirstOpening(ctx, fresh)
	s.receiver.SetEndpoints(served)
	s.publish()
	for ref, running := range s.sources {
		if !wanted[ref] {
			running.stop()
			delete(s.sources, ref)
		}
	}
	if s.config.Applied != nil {
		s.config.Applied(set)
	}
}

// after closes the channel that long after ctx ended, and calls begin when it ends.
func after(ctx context.Context, wait time.Duration, begin func()) <-chan struct{} {
	over := make(chan struct{})
	context.AfterFunc(ctx, func() {
		begin()
		time.AfterFunc(wait, func() { close(over) })
	})
	return over
}

func (s *Server) stopSources() {
	for _, running := range s.sources {
		running.cancel()
	}
	for _, running := range s.sources {
		running.stop()
	}
}

// ready says why the process cannot serve; nil when it can.
func (s *Server) ready() error { return s.receiver.Ready() }
