// SPDX-License-Identifier: Apache-2.0

// Package inbox keeps accepted events in Redis, each in the lane of its ordering key, until they are finished.
//
// It holds what DESIGN.md promises: what Accept took is durable; an event is taken once a window; the events of a lane are
// handed out one at a time, in order; only the holder of a lane's lease can move it on. Each transition is one Lua script.
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
	defaultLease = 30 * time.Second
	ownerEnd     = "/" // so that no owner's name begins with another's
)

// Options say how an inbox is opened.
type Options struct {
	// Shards spreads the source over that many cluster slots; 0 means 1. A count that Redis already holds wins. An event is known
	// again in its own shard, which its ordering key decides: with more than one shard, an idempotency key that comes again with
	// another ordering key may not be found. An event that is sent again as it was always is.
	Shards int
	// Lease is how long a claim lasts unless renewed; 0 means 30 s.
	Lease time.Duration
	// Limits are what may change while the inbox is open.
	Limits Limits
	// Owner, if set, names the one process that may use it at a time: Open takes over what an earlier one had claimed.
	Owner string
	// Now replaces Redis's clock, for tests; nil uses Redis's own.
	Now func() time.Time
}

// Limits are the parts of the configuration that may change at any time.
type Limits struct {
	// Window is how long a finished event's key is remembered, from its receipt; 0 remembers only unfinished events.
	// A new window counts for events that finish from then on. All who use the inbox use the one that was set last.
	Window time.Duration
	// MaxPending is how many unfinished events the source may hold, evenly split over its shards; 0 means what fits in Redis. A
	// request with more events than that is never taken.
	MaxPending int64
	// Log bounds the event log.
	Log eventlog.Limits
}

// Inbox is one source's. Its methods may be called at once from many goroutines.
type Inbox struct {
	client  rueidis.Client
	scripts scripts
	space   keyspace.Space
	shards  []*shard
	lease   time.Duration
	clock   clock
	limits  atomic.Pointer[Limits]

	process string // makes tokens unique among processes
	claims  atomic.Uint64
}

// Open finds out how the source is sharded; it starts nothing. The client may retry reads by itself; scripts it must not, and
// rueidis does not.
func Open(ctx context.Context, client rueidis.Client, source string, options Options) (*Inbox, error) {
	shards, err := shardCount(ctx, client, keyspace.New(source, options.Shards))
	if err != nil {
		return nil, err
	}
	b := &Inbox{
		client:  client,
		scripts: loadScripts(),
		space:   keyspace.New(source, shards),
		lease:   options.Lease,
		clock:   clock{given: options.Now},
		process: options.Owner + ownerEnd + rand.Text()[:13],
	}
	if b.lease <= 0 {
		b.lease = defaultLease
	}
	for i := range shards {
		b.shards = append(b.shards, newShard(b.space.Shard(i)))
	}
	b.Configure(options.Limits)
	if options.Owner != "" {
		if err := b.takeOver(ctx, options.Owner+ownerEnd); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// shardCount settles the number of shards on the first opening of a source: later ones must find its events.
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

// Configure changes the limits; calls under way may still use the old ones.
func (b *Inbox) Configure(limits Limits) { b.limits.Store(&limits) }

// Space is where the inbox keeps its data.
func (b *Inbox) Space() keyspace.Space { return b.space }

// Shards is how many shards the source has.
func (b *Inbox) Shards() int { return b.space.Shards() }

// Depth is how many events are not finished.
func (b *Inbox) Depth(ctx context.Context) (int64, error) {
	commands := make(rueidis.Commands, len(b.shards))
	for i, s := range b.shards {
		commands[i] = b.client.B().Hget().Key(s.keys.Meta()).Field("depth").Build()
	}
	var total int64
	for _, result := range b.client.DoMulti(ctx, commands...) {
		depth, err := result.AsInt64()
		if err != nil && !rueidis.IsRedisNil(err) {
			return 0, failure("depth", err)
		}
		total += depth
	}
	return total, nil
}
