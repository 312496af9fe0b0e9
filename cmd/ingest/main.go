// SPDX-License-Identifier: Apache-2.0

// Command ingest is Doorbell's data plane in a pod: it receives the events of one Source, stores them in Redis and
// delivers them to Knock. The operator starts it; it reads its configuration from a mounted directory and never talks
// to the API server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/configdir"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
)

// version is the version of Doorbell. The build sets it with -ldflags.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal then ends the process without draining
	log := logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(ctx, os.Args[1:], log); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "ingest:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, log logr.Logger) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	var listening net.ListenConfig
	events, err := listening.Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	admin, err := listening.Listen(ctx, "tcp", s.admin)
	if err != nil {
		return fmt.Errorf("--admin: %w", err)
	}
	defer runtime.KeepAlive(reserveHeap())
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	watcher := configdir.NewWatcher(s.config, time.Now, log)
	server := ingest.New(ingest.Config{
		Listener: events, Admin: admin, Connect: s.connect, Shards: s.shards(), MinReplicas: s.minReplicas, MinLease: s.minLease, Version: version,
		Log: log, Registry: registry, Now: time.Now, Drain: s.drain, Owner: s.owner, ConfigurationProblem: watcher.Problem,
		Applied: func([]pipeline.Config) { debug.FreeOSMemory() }, // compiling a configuration leaves much garbage
	})
	log.Info("Starting", "version", version, "listen", events.Addr().String(), "admin", admin.Addr().String())

	group, ctx := errgroup.WithContext(ctx)
	updates := make(chan []pipeline.Config)
	group.Go(func() error { return watcher.Run(ctx, updates) })
	group.Go(func() error { return server.Run(ctx, updates) })
	return group.Wait()
}
