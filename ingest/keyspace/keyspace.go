// SPDX-License-Identifier: Apache-2.0

// Package keyspace names the Redis keys of one source. A sender never chooses a name: what comes from outside is hashed.
//
// A source is spread over shards. Every key of a shard carries the same hash tag, so that a script may touch all of them in
// a Redis Cluster; a shard's keys are:
//
//	lane           list      the events of one ordering key, two elements each: when it was received, and itself
//	progress       string    what was saved for a lane's first event
//	due            sorted set lanes by when they are due: the schedule, and the ends of leases
//	claims         hash      lane to the token of its claim
//	pending        hash      fingerprint of a key to the ID of the unfinished event that has it
//	remembered     sets      finished events' keys and the slices of time in which they were received
//	meta           hash      what the shard counts
//	dead, deadplan hash      dead letters by event ID: the event and its progress; deadindex sorts them by time
//	log            hash      event log records by event ID; logindex sorts them by time
package keyspace

import "strconv"

// Space is the keys of one source.
type Space struct {
	source string
	shards int
}

// New takes NAMESPACE/NAME and the number of shards, at least 1.
func New(source string, shards int) Space { return Space{source: source, shards: max(shards, 1)} }

// Source is NAMESPACE/NAME.
func (s Space) Source() string { return s.source }

// Shards is how many cluster slots the source is spread over.
func (s Space) Shards() int { return s.shards }

// ShardCount is the key under which the source's number of shards is kept. It belongs to no shard.
func (s Space) ShardCount() string { return "doorbell:{" + s.source + "}:shards" }

// Shard names the keys of shard i, counted from 0.
func (s Space) Shard(i int) Shard {
	return Shard{prefix: "doorbell:{" + s.source + "#" + strconv.Itoa(i) + "}:"}
}

// Lane is where the events of an ordering key live.
func (s Space) Lane(orderingKey string) Lane {
	sum := digest(orderingKey)
	return Lane{Shard: int(sum.shardBits() % uint64(s.shards)), Name: sum.name()}
}

// Lane is one ordering key's place.
type Lane struct {
	Shard int
	Name  string
}

// Shard is the keys of one shard.
type Shard struct{ prefix string }

// Lane is the list of a lane's events.
func (s Shard) Lane(name string) string { return s.prefix + "l:" + name }

// Progress is what was saved for a lane's first event.
func (s Shard) Progress(name string) string { return s.prefix + "p:" + name }

// Due is the schedule.
func (s Shard) Due() string { return s.prefix + "due" }

// Claims is who holds which lane.
func (s Shard) Claims() string { return s.prefix + "claims" }

// Pending is the keys of unfinished events.
func (s Shard) Pending() string { return s.prefix + "pending" }

// Meta is what the shard counts.
func (s Shard) Meta() string { return s.prefix + "meta" }

// Dead is the dead letters.
func (s Shard) Dead() string { return s.prefix + "dead" }

// DeadPlan is the progress of the dead letters.
func (s Shard) DeadPlan() string { return s.prefix + "deadplan" }

// DeadIndex sorts the dead letters.
func (s Shard) DeadIndex() string { return s.prefix + "deadindex" }

// Log is the event log.
func (s Shard) Log() string { return s.prefix + "log" }

// LogIndex sorts the event log.
func (s Shard) LogIndex() string { return s.prefix + "logindex" }

// Remembered is the set of finished events' keys of one bucket, for slices of that many milliseconds.
func (s Shard) Remembered(slice int64, bucket string) string {
	return s.prefix + "k:" + strconv.FormatInt(slice, 10) + ":" + bucket
}
