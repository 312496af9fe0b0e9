// SPDX-License-Identifier: Apache-2.0

// Package dev runs Doorbell without a cluster, in one process, with the same manifests, compiler and data plane as on a
// cluster. The command `doorbell dev` calls it. It must never print a Secret.
package dev

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/manifestdir"
	"github.com/doorbell-dev/doorbell/config/crd"
	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
)

// The output formats.
const (
	Text = "text"
	JSON = "json"
)

// scanInterval is the time between two scans of the manifests.
const scanInterval = 100 * time.Millisecond

// Options are the flags of the command, and its environment.
type Options struct {
	// Paths name the files and directories with manifests.
	Paths []string
	// Listen is the address on which Doorbell receives events.
	Listen string
	// Redis is the URL of the Redis server that stores the events. If it is empty, Redis runs in this process.
	Redis string
	// KnockURL overrides spec.knock.baseURL of every Source, unless it is empty.
	KnockURL string
	// Output is Text or JSON.
	Output string
	// APIKey is the Knock API key of Sources whose Secret is not among the manifests.
	APIKey string
	// Version is the version of Doorbell.
	Version string
	// Stdout gets the events, and with the output JSON nothing else.
	Stdout *os.File
	// Stderr gets problems and the log.
	Stderr io.Writer
}

// Run serves the manifests until ctx ends, and applies changes to them. It fails if there is no usable Source, if it cannot
// listen, or if a URL is invalid.
func Run(ctx context.Context, options Options) error {
	if err := checkKnockURL(options.KnockURL); err != nil {
		return fmt.Errorf("--knock-url: %w", err)
	}
	store, err := openStore(options.Redis)
	if err != nil {
		return err
	}
	defer store.close()
	loader, err := manifest.NewLoader(crd.Manifests())
	if err != nil {
		return fmt.Errorf("load CRDs: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", options.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	defer listener.Close()
	seed, err := loadSeed()
	if err != nil {
		return err
	}
	compiler := &compiler{
		options: options, addresses: addresses{base: baseURL(listener.Addr()), seed: seed}, problems: newProblems(options.Stderr),
	}
	listing := manifestdir.Scan(options.Paths)
	configs := compiler.compile(loader.Load(ctx, listing))
	if len(configs) == 0 {
		return fmt.Errorf("no usable Source in %s", strings.Join(options.Paths, ", "))
	}
	if store.embedded() {
		fmt.Fprintln(options.Stderr, "Events are kept in memory and are lost when this process stops; use --redis URL to keep them.")
	}
	updates := make(chan []pipeline.Config, 1)
	updates <- configs
	server := newServer(listener, store, compiler, options)
	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(serving, updates) })
	group.Go(func() error {
		ticker := time.NewTicker(scanInterval)
		defer ticker.Stop()
		manifestdir.Watch(serving, options.Paths, listing, ticker.C, func(listing manifestdir.Listing) {
			replace(updates, compiler.compile(loader.Load(serving, listing)))
		})
		return nil
	})
	err = group.Wait()
	if store.embedded() {
		reportLost(ctx, store, compiler, options.Stderr)
	}
	return err
}

func newServer(listener net.Listener, store *store, compiler *compiler, options Options) *ingest.Server {
	printer := newPrinter(options)
	return ingest.New(ingest.Config{
		Listener: listener, Connect: store.connect, Version: options.Version, Owner: compiler.addresses.owner(),
		Log: logger(options.Stderr), Registry: prometheus.NewRegistry(), Now: time.Now,
		Observe: printer.event,
		Applied: func(configs []pipeline.Config) { printer.ready(configs, compiler.addresses) },
	})
}

// replace sends configs to the server, in place of the ones before if the server has not received them yet.
func replace(updates chan []pipeline.Config, configs []pipeline.Config) {
	select {
	case <-updates:
	default:
	}
	updates <- configs
}

func reportLost(ctx context.Context, store *store, compiler *compiler, to io.Writer) {
	sources := slices.Collect(maps.Keys(compiler.running))
	if lost := store.unfinished(context.WithoutCancel(ctx), sources); lost > 0 {
		fmt.Fprintf(to, "%d events that were not delivered are lost, because they were kept in memory.\n", lost)
	}
}

// logger returns a logger for the running process.
func logger(to io.Writer) logr.Logger {
	return logr.FromSlogHandler(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
