// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// store is the Redis that keeps the events: one that the user runs, or one in this process's memory.
type store struct {
	options rueidis.ClientOption
	memory  *miniredis.Miniredis
	stop    chan struct{}
}

func openStore(url string) (*store, error) {
	if url != "" {
		options, err := rueidis.ParseURL(url)
		if err != nil {
			return nil, fmt.Errorf("--redis: %w; write redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT", err)
		}
		options.DisableCache = true
		return &store{options: options}, nil
	}
	memory := miniredis.NewMiniRedis()
	if err := memory.Start(); err != nil {
		return nil, fmt.Errorf("embedded Redis: %w", err)
	}
	s := &store{
		memory: memory, stop: make(chan struct{}),
		options: rueidis.ClientOption{InitAddress: []string{memory.Addr()}, DisableCache: true},
	}
	go s.age()
	return s, nil
}

// age lets keys expire: the embedded Redis has no clock of its own.
func (s *store) age() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			s.memory.FastForward(time.Second)
		}
	}
}

func (s *store) embedded() bool { return s.memory != nil }

func (s *store) connect(context.Context) (rueidis.Client, error) {
	return rueidis.NewClient(s.options)
}

// pending counts the events that are not finished; 0 if that cannot be told.
func (s *store) pending(ctx context.Context, sources []string) int64 {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	client, err := s.connect(ctx)
	if err != nil {
		return 0
	}
	defer client.Close()
	var sum int64
	for _, source := range sources {
		box, err := inbox.Open(ctx, client, source, inbox.Options{})
		if err != nil {
			continue
		}
		if depth, err := box.Depth(ctx); err == nil {
			sum += depth
		}
	}
	return sum
}

func (s *store) close() {
	if s.memory != nil {
		close(s.stop)
		s.memory.Close()
	}
}
