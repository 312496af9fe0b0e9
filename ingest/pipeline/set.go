// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// openWait bounds how long Update waits until new pipelines have attempted to open their source.
const openWait = time.Second

// Set runs one pipeline for each configured source. Update, Prune and Stop must be called by one goroutine; All is safe
// for concurrent use.
type Set struct {
	dependencies Dependencies
	running      map[string]running // by source
	configured   atomic.Pointer[[]*Pipeline]
}

type running struct {
	*Pipeline
	cancel context.CancelFunc
	done   chan struct{} // closed when Run has returned
}

// NewSet returns an empty set. Update starts pipelines with these dependencies.
func NewSet(dependencies Dependencies) *Set {
	s := &Set{dependencies: dependencies, running: map[string]running{}}
	s.configured.Store(&[]*Pipeline{})
	return s
}

// All returns the pipelines of the latest Update.
func (s *Set) All() []*Pipeline { return *s.configured.Load() }

// Update configures the pipelines that already run and starts the missing ones. A pipeline runs until ctx ends, or
// until Stop or Prune stops it. Update returns one endpoint for each configuration, in the same order. Pipelines of
// other sources continue to run. The caller publishes the endpoints and then calls Prune, so that no request reaches a
// pipeline that has stopped.
//
// Update waits up to one second for new pipelines to open their source, so that a process that reports itself ready
// does not reject its first events.
func (s *Set) Update(ctx context.Context, configs []Config) []*receiver.Endpoint {
	var pipelines []*Pipeline
	var endpoints []*receiver.Endpoint
	for _, config := range configs {
		ref := config.Document.Ref()
		if p, ok := s.running[ref]; ok {
			p.Configure(config)
		} else {
			s.running[ref] = start(ctx, New(config, s.dependencies))
		}
		p := s.running[ref].Pipeline
		pipelines, endpoints = append(pipelines, p), append(endpoints, p.Endpoint())
	}
	awaitFirstAttempts(ctx, pipelines)
	s.configured.Store(&pipelines)
	return endpoints
}

// Prune stops the pipelines that were not part of the latest Update. It returns when they have stopped.
func (s *Set) Prune() {
	for ref, p := range s.running {
		if !slices.Contains(s.All(), p.Pipeline) {
			delete(s.running, ref)
			stop(p)
		}
	}
}

// Stop stops all pipelines. It returns when they have stopped.
func (s *Set) Stop() {
	stop(slices.Collect(maps.Values(s.running))...)
	clear(s.running)
}

func start(ctx context.Context, p *Pipeline) running {
	ctx, cancel := context.WithCancel(ctx)
	r := running{Pipeline: p, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		p.Run(ctx)
	}()
	return r
}

// stop cancels all pipelines before it waits for the first, so that they finish their calls at the same time.
func stop(pipelines ...running) {
	for _, p := range pipelines {
		p.cancel()
	}
	for _, p := range pipelines {
		<-p.done
	}
}

func awaitFirstAttempts(ctx context.Context, pipelines []*Pipeline) {
	ctx, cancel := context.WithTimeout(ctx, openWait)
	defer cancel()
	for _, p := range pipelines {
		select {
		case <-p.attempted:
		case <-ctx.Done():
			return
		}
	}
}
