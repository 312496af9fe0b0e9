// SPDX-License-Identifier: Apache-2.0

// Package ingest is the data plane. It wires the parts of one process together: a receiver, one pipeline for each
// source, the health monitor of Redis, and the admin port. cmd/ingest calls it with one source, `doorbell dev` with
// several. It must never import Kubernetes libraries, and it does no work itself: each part has a package of its own.
package ingest

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/admin"
	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
	"github.com/doorbell-dev/doorbell/ingest/redishealth"
)

// adminHeaderTimeout bounds how long the admin port waits for the header of a request.
const adminHeaderTimeout = 5 * time.Second

// Config is what the data plane needs. Listener, Connect, Log, Registry and Now are required.
type Config struct {
	// Listener accepts the connections of senders.
	Listener net.Listener
	// Admin accepts the connections of the admin port. If it is nil, the server has no admin port and does not check
	// whether Redis can lose events.
	Admin net.Listener
	// Connect opens the Redis client. It is called again until it succeeds.
	Connect func(context.Context) (rueidis.Client, error)
	// Shards is the number of shards of a new inbox; 0 means 1, which is right for everything but a Redis Cluster.
	Shards int
	// MinReplicas is the number of replicas of Redis that must have an event on disk before its sender gets 200.
	MinReplicas int
	// MinLease is the shortest lease of a lane; 0 means 30 seconds.
	MinLease time.Duration
	// Owner, if set, identifies this process and the ones that it replaces, which must have ended. The process takes
	// over their leases at once instead of waiting until they expire.
	Owner string
	// Version is the version of Doorbell, for the status report and the User-Agent of calls to Knock.
	Version  string
	Log      logr.Logger
	Registry *prometheus.Registry
	// Now is the wall clock.
	Now func() time.Time
	// Observe, if set, is called with each event log entry. It must be safe for concurrent use.
	Observe func(eventlog.Entry)
	// KnockTransport sends the calls to Knock. If it is nil, each source uses its own knock.NewTransport.
	KnockTransport http.RoundTripper
	// Drain is how long the receiver still accepts requests after ctx ends. It closes each connection after its next
	// response, which gives load balancers the time to send requests elsewhere.
	Drain time.Duration
	// ConfigurationProblem, if set, returns why the process does not run the whole desired configuration, or "" if it
	// does. The status report contains the result. It must be safe for concurrent use.
	ConfigurationProblem func() string
	// Applied, if set, is called after each set of configurations is served.
	Applied func([]pipeline.Config)
}

// Server runs the data plane.
type Server struct {
	config    Config
	receiver  *receiver.Receiver
	redis     *redishealth.Connection
	monitor   *redishealth.Monitor
	pipelines *pipeline.Set
}

// New returns a server that does nothing until Run.
func New(config Config) *Server {
	redis := redishealth.NewConnection(config.Connect)
	s := &Server{
		config:   config,
		receiver: receiver.New(receiver.Options{Log: config.Log, Metrics: config.Registry}),
		redis:    redis,
		pipelines: pipeline.NewSet(pipeline.Dependencies{
			Connect: redis.Client, Shards: config.Shards, MinReplicas: config.MinReplicas, MinLease: config.MinLease, Owner: config.Owner,
			Version: config.Version, Log: config.Log,
			Metrics: delivery.NewMetrics(config.Registry), Observe: config.Observe, KnockTransport: config.KnockTransport,
			Now: config.Now,
		}),
	}
	s.monitor = redishealth.NewMonitor(redishealth.Options{
		Connection: redis, Check: s.checkRedis, CheckDurability: config.Admin != nil, MinReplicas: config.MinReplicas, Log: config.Log,
	})
	return s
}

// Run serves the configurations that it receives from updates until ctx ends. Each update replaces the previous one:
// Run stops the sources that the update does not contain. After ctx ends, Run drains the receiver, stops accepting
// events, waits for the calls in progress, and returns nil.
func (s *Server) Run(ctx context.Context, updates <-chan []pipeline.Config) error {
	group, ctx := errgroup.WithContext(ctx)
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx)) // ends after the pipelines have stopped
	defer stopWorking()
	defer s.redis.Close()

	group.Go(func() error { return serve(working, s.receiver.Server(), s.receiver.Listener(s.config.Listener)) })
	if s.config.Admin != nil {
		handler := admin.Handler(s.receiver.Ready, s.config.Registry, s.Report)
		server := &http.Server{Handler: handler, ReadHeaderTimeout: adminHeaderTimeout}
		group.Go(func() error { return serve(working, server, s.config.Admin) })
	}
	group.Go(func() error {
		s.monitor.Run(working)
		return nil
	})
	group.Go(func() error {
		defer stopWorking()
		s.runPipelines(working, updates, s.drained(ctx))
		return nil
	})
	return group.Wait()
}

// runPipelines applies updates until drained is closed, and then stops the receiver before the pipelines, so that no
// pipeline gets an event after it has stopped.
func (s *Server) runPipelines(ctx context.Context, updates <-chan []pipeline.Config, drained <-chan struct{}) {
	defer s.pipelines.Stop()
	for {
		select {
		case <-drained:
			s.receiver.Stop()
			return
		case configs := <-updates:
			s.receiver.SetEndpoints(s.pipelines.Update(ctx, configs))
			s.pipelines.Prune()
			if s.config.Applied != nil {
				s.config.Applied(configs)
			}
		}
	}
}

// drained begins to drain the receiver when ctx ends, and closes the channel that it returns after the configured time.
func (s *Server) drained(ctx context.Context) <-chan struct{} {
	drained := make(chan struct{})
	context.AfterFunc(ctx, func() {
		s.receiver.Drain()
		time.AfterFunc(s.config.Drain, func() { close(drained) })
	})
	return drained
}
