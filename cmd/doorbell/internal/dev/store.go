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

// store is the Redis server that stores the events: the user's, or one in the memory of this process.
type store struct {
	options rueidis.ClientOption
	memory  *miniredis.Miniredis
	stop    chan struct{}
}

// openStore returns the store at url, or an embedded one if url is empty. It does not connect to Redis yet.
func openStore(url string) (*store, error) {
	if url != "" {
		options, err := rueidis.ParseURL(url)
		if err != nil {
			return nil, fmt.Errorf("--redis: %w; use redis://HOST:PORT or rediss://USER:PASSWORD@HOST:PORT", err)
		}
		options.DisableCache = true
		return &store{options: options}, nil
	}
	memory := miniredis.NewMiniRedis()
	if err := memory.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	s := &store{
		memory: memory, stop: make(chan struct{}),
		options: rueidis.ClientOption{InitAddress: []string{memory.Addr()}, DisableCache: true},
	}
	go s.expireKeys()
	return s, nil
}

// expireKeys advances the clock of the embedded Redis, which would not expire keys by itself.
func (s *store) expireKeys() {
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

// embedded reports whether the events are in the memory of this process.
func (s *store) embedded() bool { return s.memory != nil }

func (s *store) connect(context.Context) (rueidis.Client, error) {
	return rueidis.NewClient(s.options)
}

// unfinished counts the events that have not been delivered. It ignores the sources that it cannot read.
func (s *store) unfinished(ctx context.Context, sources []string) int64 {
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
