// SPDX-License-Identifier: Apache-2.0

// Package dev runs Doorbell without a cluster: the same manifests, the same compiler and the same data plane, in one
// process.
package dev

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest"
	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/manifest/folder"
	"github.com/doorbell-dev/doorbell/config/crd"
	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
)

// The ways to write events.
const (
	Text = "text"
	JSON = "json"
)

// scanEvery is how often the manifests are looked at.
const scanEvery = 100 * time.Millisecond

// Options are the command's.
type Options struct {
	Paths    []string
	Listen   string
	Redis    string
	KnockURL string
	Output   string
	// APIKey is used by Sources whose Secret is not among the manifests.
	APIKey  string
	Version string
	// Stdout gets events, and nothing else when Output is JSON; Stderr gets problems.
	Stdout, Stderr *os.File
}

// Run serves the manifests until ctx ends. It fails when there is no usable Source, the address is taken or the Redis URL
// is wrong.
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
		return fmt.Errorf("CRDs: %w", err)
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

	problems := newProblems(options.Stderr)
	compiler := &compiler{options: options, addresses: addresses{base: baseURL(listener.Addr()), seed: seed}, problems: problems}
	listing := folder.Scan(options.Paths)
	sources := compiler.compile(loader.Load(ctx, listing))
	if len(sources) == 0 {
		return fmt.Errorf("no usable Source in %v", options.Paths)
	}
	if store.embedded() {
		fmt.Fprintln(options.Stderr, "events live in memory and go when this process goes; --redis URL keeps them")
	}

	printer := newPrinter(options)
	updates := make(chan []pipeline.Config, 1)
	updates <- sources
	server := ingest.New(ingest.Config{
		Listener: listener, Connect: store.connect, Version: options.Version, Owner: compiler.addresses.owner(),
		Log: logger(options.Stderr), Registry: prometheus.NewRegistry(), Now: time.Now,
		Observe: printer.event,
		Applied: func(sources []pipeline.Config) { printer.ready(sources, compiler.addresses) },
	})

	group, serving := errgroup.WithContext(ctx)
	group.Go(func() error { return server.Run(serving, updates) })
	group.Go(func() error {
		ticker := time.NewTicker(scanEvery)
		defer ticker.Stop()
		folder.Watch(serving, options.Paths, listing, ticker.C, func(listing folder.Listing) {
			replace(updates, compiler.compile(loader.Load(serving, listing)))
		})
		return nil
	})
	err = group.Wait()
	if store.embedded() {
		if lost := store.pending(context.WithoutCancel(ctx), compiler.refs()); lost > 0 {
			fmt.Fprintf(options.Stderr, "%d events that were not delivered are lost with this process's memory\n", lost)
		}
	}
	return err
}

// replace leaves the newest sources for the server, whether or not it has taken the ones before.
func replace(updates chan []pipeline.Config, sources []pipeline.Config) {
	select {
	case <-updates:
	default:
	}
	updates <- sources
}

// logger writes problems of the running process for people.
func logger(to io.Writer) logr.Logger {
	return logr.FromSlogHandler(slog.NewTextHandler(to, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
