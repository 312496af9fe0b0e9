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
	buckets   bucketLengths
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
			keys.DeadLetters(), keys.DeadLetterProgress(), keys.DeadLetterIndex(),
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

// refreshBuckets returns the bucket lengths of a shard. If this process's window has changed since the last call, it
// first makes the new bucket length current in Redis, for all processes that use the inbox.
func (b *Inbox) refreshBuckets(ctx context.Context, s *shard) (bucketLengths, error) {
	wanted := bucketLength(b.limits.Load().Window)
	s.mu.Lock()
	known, requested := s.buckets, s.requested
	s.mu.Unlock() // not held during the call, so that no other caller waits for it beyond the end of its own context
	if requested == wanted {
		return known, nil
	}
	args := []string{b.clock.argument(), strconv.FormatInt(wanted, 10)}
	word, rest, err := b.scripts.buckets.run(ctx, b.client, []string{s.keys.Meta()}, args)
	if err != nil {
		return bucketLengths{}, err
	}
	if word != wordBuckets || len(rest) != 1 {
		return bucketLengths{}, b.scripts.buckets.unexpected(word)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets, s.requested = parseBucketLengths(rest[0]), wanted
	return s.buckets, nil
}

// storeBuckets stores the bucket lengths that a script found in Redis. They differ from the known lengths if another
// process has changed the window, or if Redis has lost its data. In the second case the next call of refreshBuckets
// writes this process's length again.
func (s *shard) storeBuckets(stored string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets = parseBucketLengths(stored)
	if stored == "" {
		s.requested = -1
	}
}
