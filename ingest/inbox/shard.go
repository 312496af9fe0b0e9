// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// shard is the state that this process keeps for one shard.
type shard struct {
	keys         keyspace.Shard
	scheduleKeys []string // the first keys of the scripts that change leases
	sharedKeys   []string // the first keys of the scripts that store and finish events
	accepts      groupCommit[*acceptRequest]
	transitions  groupCommit[*transition]
	laneDue      chan struct{}

	mu        sync.Mutex
	layouts   layouts
	requested int64 // the bucket length that this process last made current in Redis; -1 if none
	abandoned []abandonedClaim
	time      shardTime // in the latest reply to claim.lua
}

func (b *Inbox) newShard(keys keyspace.Shard) *shard {
	s := &shard{
		keys:         keys,
		scheduleKeys: []string{keys.Due(), keys.FencingTokens(), keys.Meta()},
		sharedKeys: []string{
			keys.Due(), keys.FencingTokens(), keys.Meta(), keys.InFlight(), keys.Log(), keys.LogIndex(),
			keys.DeadLetters(), keys.DeadLetterProgress(), keys.DeadLetterIndex(), keys.MinorLog(), keys.MinorLogIndex(),
		},
		laneDue: make(chan struct{}, 1), requested: -1,
	}
	s.accepts.call = func(ctx context.Context, group []*acceptRequest) { b.accept(ctx, s, group) }
	s.transitions.call = func(ctx context.Context, group []*transition) { b.finishGroup(ctx, s, group) }
	return s
}

// signalDue signals on LaneDue that a lane is due.
func (s *shard) signalDue() {
	select {
	case s.laneDue <- struct{}{}:
	default: // nobody has received the previous signal yet; that signal covers this one
	}
}

func (s *shard) expectedTime(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.time.expected(now)
}

func (s *shard) setTime(t shardTime) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.time = t
}

// refreshLayouts returns the layouts of a shard. If this process's window has changed since the last call, it first
// makes a layout with the new bucket length current in Redis, for all processes that use the inbox.
func (b *Inbox) refreshLayouts(ctx context.Context, s *shard) (layouts, error) {
	wanted := bucketLength(b.limits.Load().Window)
	s.mu.Lock()
	known, requested := s.layouts, s.requested
	s.mu.Unlock() // not held during the call, so that no other caller waits for it beyond the end of its own context
	if requested == wanted {
		return known, nil
	}
	args := []string{b.clock.argument(), strconv.FormatInt(wanted, 10), b.firstSetsArgument()}
	word, rest, err := b.scripts.layout.run(ctx, b.client, []string{s.keys.Meta()}, args)
	if err != nil {
		return layouts{}, err
	}
	if word != wordLayouts || len(rest) != 2 {
		return layouts{}, b.scripts.layout.unexpected(word)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.layouts, s.requested = parseLayouts(rest[0], rest[1]), wanted
	return s.layouts, nil
}

// storeLayouts stores the layouts that a script found in Redis. They differ from the known ones if another process has
// changed the window, or if a script has changed the number of sets. If they are not valid, because Redis has lost its
// data or a process of an earlier version of Doorbell has changed them, the next call of refreshLayouts corrects them.
func (s *shard) storeLayouts(slices, stored string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.layouts = parseLayouts(slices, stored)
	if !s.layouts.valid() {
		s.requested = -1
	}
}

// firstSetsArgument returns the scripts' argument for the number of dedupe sets of a new shard.
func (b *Inbox) firstSetsArgument() string {
	return strconv.Itoa(max(firstSets/len(b.shards), minSets))
}
