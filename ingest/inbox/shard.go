// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"sync"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// shard is what this process knows of one shard.
type shard struct {
	keys    keyspace.Shard
	queue   queue
	arrived chan struct{}

	mu        sync.Mutex
	memory    memory
	announced int64 // the slice length that this process asked for last; -1 before
}

func newShard(keys keyspace.Shard) *shard {
	return &shard{keys: keys, arrived: make(chan struct{}, 1), announced: -1}
}

// signal says that a lane is due.
func (s *shard) signal() {
	select {
	case s.arrived <- struct{}{}:
	default: // a signal is waiting already
	}
}

// remembering returns how keys are remembered now; a window that this process was newly given is made everyone's first.
func (b *Inbox) remembering(ctx context.Context, s *shard) (memory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := sliceLength(b.limits.Load().Window)
	if s.announced == wanted {
		return s.memory, nil
	}
	args := []string{b.clock.argument(), strconv.FormatInt(wanted, 10)}
	word, rest, err := b.scripts.slices.run(ctx, b.client, []string{s.keys.Meta()}, args)
	if err != nil {
		return memory{}, err
	}
	if word != wordSlices || len(rest) != 1 {
		return memory{}, b.scripts.slices.unexpected(word)
	}
	s.memory, s.announced = parseMemory(rest[0]), wanted
	return s.memory, nil
}

// learn takes what a script said of the slice lengths: another process has set a window, or Redis has lost them.
func (s *shard) learn(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory = parseMemory(value)
	if value == "" {
		s.announced = -1
	}
}
