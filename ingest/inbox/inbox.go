// SPDX-License-Identifier: Apache-2.0

// Package inbox stores accepted events in Redis until they are delivered. The receiver calls Accept before it answers
// 200; the delivery workers call Claim, Save and Renew, and then Complete, Retry, Release or DeadLetter. Lua scripts
// make every change of an event or a lane, and Redis executes each script as a whole, so a crash never leaves a change
// half made. The inbox promises that an accepted event is durable, that events of one ordering key are delivered one at
// a time and in order, that an event with a repeated idempotency key is stored only once within the dedupe window, and
// that only the worker with a lane's lease can finish or retry the lane's events. It must never read an event's content
// or decide what to deliver.
package inbox

import (
	"context"
	"crypto/rand"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

const (
	defaultLease   = 30 * time.Second
	ownerSeparator = "/" // follows the owner's name in a token, so that one owner's prefix matches no other owner's tokens
	tokenEnd       = "." // ends a token, so that no token is a prefix of another
)

// Options configure an inbox when it is opened.
type Options struct {
	// Shards is the number of Redis Cluster slots over which the source is spread; 0 means 1. If Redis already stores a
	// number for the source, Open uses the stored number. The ordering key decides the shard, and Doorbell recognizes
	// duplicates only within a shard. With more than one shard, Doorbell may therefore accept an idempotency key again
	// if the sender repeats it with another ordering key. If the ordering key is the same, Doorbell recognizes every
	// duplicate within the dedupe window.
	Shards int
	// Limits are the initial limits. Configure changes them later.
	Limits Limits
	// Owner names a process of which only one runs at a time, such as a container that is restarted. If it is set, Open
	// ends the leases that an earlier process of the same name left behind.
	Owner string
	// MinReplicas is the number of replicas that must have an accepted or replayed event on disk before Accept or Replay
	// succeeds. With 0, the calls wait for the disk of Redis itself only. A higher number requires Redis 7.2 or newer, or
	// Valkey.
	MinReplicas int
	// Now replaces Redis's clock in tests; nil uses Redis's clock.
	Now func() time.Time
}

// Limits are the parts of the configuration that may change while an inbox is open.
type Limits struct {
	// Window is the dedupe window: how long Doorbell remembers the key of a finished event, counted from the receipt of
	// the event. The effective window can be up to one eighth longer. With 0, Doorbell remembers only the keys of
	// unfinished events. A changed window applies to events that finish after the change. If several processes set
	// different windows, all processes use the window that was set last.
	Window time.Duration
	// MaxInFlight is the maximum number of unfinished events, split evenly over the shards and rounded up; 0 means as
	// many as fit into Redis. If a request has more new events for one shard than the shard's part of the limit, Accept
	// rejects the request every time.
	MaxInFlight int64
	// Log limits the event log. The inbox uses only Log.MaxEvents, when it writes log records.
	Log eventlog.Limits
	// Lease is how long a lease lasts unless it is renewed; 0 means 30 s. A changed length applies when a worker next
	// claims or renews a lease.
	Lease time.Duration
	// DeadLetters limits the dead letters.
	DeadLetters DeadLetterLimits
}

// Inbox is the inbox of one source. Its methods are safe for concurrent use.
type Inbox struct {
	client  rueidis.Client
	scripts scripts
	space   keyspace.Space
	shards  []*shard
	clock   clock
	limits  atomic.Pointer[Limits]

	process string        // the prefix of this process's fencing tokens, unique among processes
	tokens  atomic.Uint64 // numbers the fencing tokens of this process

	minReplicas        int64
	maxDeadLetterBytes int64 // of all shards together; 0 if Redis's memory has no limit
}

// Open opens the inbox of a source, which is named NAMESPACE/NAME. Open starts no goroutine. The client may retry reads
// by itself, but it must never retry a script. The rueidis client never does.
func Open(ctx context.Context, client rueidis.Client, source string, options Options) (*Inbox, error) {
	shards, err := shardCount(ctx, client, keyspace.New(source, options.Shards))
	if err != nil {
		return nil, err
	}
	b := &Inbox{
		client:  client,
		scripts: loadScripts(),
		space:   keyspace.New(source, shards),
		clock:   newClock(options.Now),
		process: options.Owner + ownerSeparator + rand.Text()[:13],

		minReplicas: int64(options.MinReplicas),
	}
	for i := range shards {
		b.shards = append(b.shards, b.newShard(b.space.Shard(i)))
	}
	b.Configure(options.Limits)
	if b.maxDeadLetterBytes, err = quarterOfMemory(ctx, client); err != nil {
		return nil, err
	}
	if options.Owner != "" {
		if err := b.takeOver(ctx, options.Owner+ownerSeparator); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// shardCount returns the source's number of shards. The first process that opens the source stores its number. Every
// later process uses the stored number, because with another number it would search the wrong shards for the source's
// events.
func shardCount(ctx context.Context, client rueidis.Client, wanted keyspace.Space) (int, error) {
	key := wanted.ShardCount()
	set := client.B().Set().Key(key).Value(strconv.Itoa(wanted.Shards())).Nx().Build()
	if err := client.Do(ctx, set).Error(); err != nil && !rueidis.IsRedisNil(err) {
		return 0, failure("open", err)
	}
	count, err := client.Do(ctx, client.B().Get().Key(key).Build()).AsInt64()
	if err != nil {
		return 0, failure("open", err)
	}
	return int(count), nil
}

// Configure changes the limits. Calls in progress may still use the old ones.
func (b *Inbox) Configure(limits Limits) { b.limits.Store(&limits) }

// Space returns the keys in which the inbox stores its data.
func (b *Inbox) Space() keyspace.Space { return b.space }

// Shards returns the source's number of shards.
func (b *Inbox) Shards() int { return b.space.Shards() }
