// SPDX-License-Identifier: Apache-2.0

// Package keyspace names the Redis keys of one source. The inbox, the event log, the event type catalog and the permits
// get all their keys from it, and no other package may build a key. A sender must never be able to choose a key, so the
// package hashes every text that a sender controls.
//
// The keys of a source are divided into shards. All keys of a shard have the same hash tag, so that one script can use
// them in a Redis Cluster. This table lists the keys of a shard by the last part of their names:
//
//	l:LANE       list        the events of one ordering key, two elements each: the time of receipt with the fingerprint, then the
//	                         event (see accept.lua)
//	p:LANE       string      the progress saved for a lane's first event
//	due          sorted set  lanes by the time at which they are due: the schedule, and for leased lanes the end of the lease
//	claims       hash        lane to the fencing token of its lease
//	pending      hash        the in-flight index: fingerprint of an idempotency key to the ID of the unfinished event that has it
//	k:LENGTH:SETS:SET
//	             set         the dedupe window: the keys of finished events, each with the bucket of time in which it was received
//	k:LENGTH:SET set         the same, in the former layout (see inbox/lua/layouts.lua)
//	meta         hash        depth: the number of unfinished events; finished: how many events have been finished; layouts and
//	                         slices: the layouts of the dedupe window; time and clock: the shard's time; deadbytes and deaddropped:
//	                         the size of the dead letters, and how many were dropped; confirmed: see package inbox; catchup and
//	                         catchupat, in the first shard: the latest forecast of when the source will have caught up
//	dead         hash        dead letters: event ID to the time of receipt and the event
//	deadplan     hash        event ID to the progress of the dead letter
//	deadindex    sorted set  dead letters by the time at which they were dead-lettered
//	log          hash        event ID to its event log record
//	logindex     sorted set  event log records by the time of their last change
//	minorlog     hash        like log, for duplicates and for events that no mapping matches
//	minorindex   sorted set  like logindex, for minorlog
//
// These keys belong to the source as a whole:
//
//	shards       string      the number of shards
//	types        hash        event type to its count, times and latest sample
//	typeindex    sorted set  event types by the time at which they were last seen
//	rate:NAME    hash        the rate limit of one of Knock's endpoints, which all processes share (see take.lua)
package keyspace

import "strconv"

// Space names the keys of one source.
type Space struct {
	source string
	shards int
}

// New returns the keys of a source, NAMESPACE/NAME, with this number of shards. A number below 1 means 1.
func New(source string, shards int) Space { return Space{source: source, shards: max(shards, 1)} }

// Source returns NAMESPACE/NAME.
func (s Space) Source() string { return s.source }

// Shards returns the number of shards.
func (s Space) Shards() int { return s.shards }

// ShardCount returns the key that stores the source's number of shards. It belongs to no shard.
func (s Space) ShardCount() string { return "doorbell:{" + s.source + "}:shards" }

// EventTypes returns the key of the event types. It has the same hash tag as ShardCount and EventTypeIndex.
func (s Space) EventTypes() string { return "doorbell:{" + s.source + "}:types" }

// EventTypeIndex returns the key that sorts the event types by the time at which they were last seen.
func (s Space) EventTypeIndex() string { return "doorbell:{" + s.source + "}:typeindex" }

// RateLimit returns the key of the rate limit of one of Knock's endpoints. The rate limits of all endpoints have the same
// hash tag.
func (s Space) RateLimit(endpoint string) string {
	return "doorbell:{" + s.source + "}:rate:" + endpoint
}

// Shard returns the keys of shard i, counted from 0.
func (s Space) Shard(i int) Shard {
	return Shard{prefix: "doorbell:{" + s.source + "#" + strconv.Itoa(i) + "}:", formerSets: uint64(max(formerSets/s.shards, 1))}
}

// Lane returns the lane of an ordering key.
func (s Space) Lane(orderingKey string) Lane {
	sum := digest(orderingKey)
	return Lane{Shard: int(sum.shardBits() % uint64(s.shards)), Name: sum.name()}
}

// Lane identifies the lane of one ordering key.
type Lane struct {
	Shard int
	Name  string
}

// Shard names the keys of one shard. The package comment describes what each key stores.
type Shard struct {
	prefix     string
	formerSets uint64 // the number of dedupe sets in the former layout
}

// Lane returns the key of a lane's events.
func (s Shard) Lane(name string) string { return s.prefix + "l:" + name }

// Progress returns the key of the progress of a lane's first event.
func (s Shard) Progress(name string) string { return s.prefix + "p:" + name }

// Due returns the key of the schedule.
func (s Shard) Due() string { return s.prefix + "due" }

// FencingTokens returns the key of the fencing tokens of leased lanes.
func (s Shard) FencingTokens() string { return s.prefix + "claims" }

// InFlight returns the key of the in-flight index.
func (s Shard) InFlight() string { return s.prefix + "pending" }

// Meta returns the key of the hash with the shard's depth, layouts, time and size of the dead letters. The field
// confirmed has no meaning; see ingest/inbox/replicas.go.
func (s Shard) Meta() string { return s.prefix + "meta" }

// DeadLetters returns the key of the dead letters.
func (s Shard) DeadLetters() string { return s.prefix + "dead" }

// DeadLetterProgress returns the key of the dead letters' progress.
func (s Shard) DeadLetterProgress() string { return s.prefix + "deadplan" }

// DeadLetterIndex returns the key that sorts the dead letters by time.
func (s Shard) DeadLetterIndex() string { return s.prefix + "deadindex" }

// Log returns the key of the event log records.
func (s Shard) Log() string { return s.prefix + "log" }

// LogIndex returns the key that sorts the event log records by time.
func (s Shard) LogIndex() string { return s.prefix + "logindex" }

// MinorLog returns the key of the event log records of duplicates and of events that no mapping matches.
func (s Shard) MinorLog() string { return s.prefix + "minorlog" }

// MinorLogIndex returns the key that sorts the records of MinorLog by time.
func (s Shard) MinorLogIndex() string { return s.prefix + "minorindex" }

// DedupeSet returns the key of the dedupe set that stores a fingerprint once its event is finished. bucketLength, in ms,
// and the number of sets are the layout of the dedupe window; 0 sets is the former layout.
func (s Shard) DedupeSet(bucketLength int64, sets uint64, f Fingerprint) string {
	key := append(append(make([]byte, 0, len(s.prefix)+32), s.prefix...), "k:"...)
	key = append(strconv.AppendInt(key, bucketLength, 10), ':')
	if sets == 0 {
		return string(strconv.AppendUint(key, f.set%s.formerSets, 36))
	}
	key = append(strconv.AppendUint(key, sets, 10), ':')
	return string(strconv.AppendUint(key, f.set%sets, 36))
}

// DedupeSets returns the prefix of the keys of all dedupe sets.
func (s Shard) DedupeSets() string { return s.prefix + "k:" }
