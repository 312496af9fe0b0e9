// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/redislua"
)

// Limits bound the log of one source.
type Limits struct {
	// MaxEvents is the maximum number of entries of delivered, failed and retrying events, split evenly over the
	// source's shards. 0 turns the log off. Duplicates, and events that no mapping matches, have their own budget of a
	// tenth of MaxEvents. If Redis is out of memory, Doorbell deletes more entries to make room for events.
	MaxEvents int
	// Retention is how long Doorbell keeps an entry after its last change; 0 means no age limit. An entry may stay up
	// to a minute longer, until the next sweep.
	Retention time.Duration
}

// Log reads and writes one source's log. Its methods are safe for concurrent use.
type Log struct {
	client        rueidis.Client
	space         keyspace.Space
	limits        atomic.Pointer[Limits]
	append, sweep *rueidis.Lua
}

// Open returns the log in the keyspace of the source's inbox. It does not call Redis.
func Open(client rueidis.Client, space keyspace.Space, limits Limits) *Log {
	l := &Log{
		client: client, space: space,
		append: rueidis.NewLuaScript(redislua.LogRecord() + appendSource),
		sweep:  rueidis.NewLuaScript(redislua.LogRecord() + sweepSource),
	}
	l.Configure(limits)
	return l
}

// Configure changes the limits. The next sweep deletes the entries that exceed them.
func (l *Log) Configure(limits Limits) { l.limits.Store(&limits) }

const (
	appendRecords = 250     // the maximum number of records that one script writes
	appendBytes   = 1 << 20 // a script gets no further record once its records have this many bytes
)

// Append writes entries of events that the inbox did not store, such as duplicates. It is safe to repeat: an entry
// replaces an earlier entry with the same ID. After an error, some of the entries may have been written.
func (l *Log) Append(ctx context.Context, entries []Entry) error {
	batches := make([]batch, 2*l.space.Shards())
	for i := range entries {
		e := &entries[i]
		shard := l.space.Lane(e.OrderingKey).Shard
		which := 0
		if e.minor() {
			which = 1
		}
		b := &batches[2*shard+which]
		b.section = l.shardSections(shard)[which]
		record := Encode(*e)
		b.pairs, b.bytes = append(b.pairs, e.ID, rueidis.BinaryString(record)), b.bytes+len(record)
		if b.bytes >= appendBytes || len(b.pairs) >= 2*appendRecords {
			if err := l.write(ctx, b); err != nil {
				return err
			}
		}
	}
	for i := range batches {
		if err := l.write(ctx, &batches[i]); err != nil {
			return err
		}
	}
	return nil
}

// batch holds the records that one call of append.lua writes.
type batch struct {
	section section
	pairs   []string // event IDs and records, alternating
	bytes   int
}

// write writes a batch and empties it. It does nothing for an empty batch.
func (l *Log) write(ctx context.Context, b *batch) error {
	if len(b.pairs) == 0 {
		return nil
	}
	args := append([]string{"", strconv.Itoa(b.section.max)}, b.pairs...)
	b.pairs, b.bytes = nil, 0
	if err := l.append.Exec(ctx, l.client, []string{b.section.log, b.section.index}, args).Error(); err != nil {
		return fmt.Errorf("event log: append: %w", err)
	}
	return nil
}

// Get returns the entry of an event. It returns nil if there is no entry, because Doorbell has not recorded the event
// yet or has deleted its entry.
func (l *Log) Get(ctx context.Context, id string) (*Entry, error) {
	var commands rueidis.Commands
	for _, s := range l.sections() {
		commands = append(commands, l.client.B().Hget().Key(s.log).Field(id).Build())
	}
	for _, result := range l.client.DoMulti(ctx, commands...) {
		record, err := result.AsBytes()
		if rueidis.IsRedisNil(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("event log: get: %w", err)
		}
		return decode(record)
	}
	return nil, nil
}

func decode(record []byte) (*Entry, error) {
	entry := &Entry{}
	if err := json.Unmarshal(record, entry); err != nil {
		return nil, fmt.Errorf("event log: decode a stored entry: %w", err)
	}
	return entry, nil
}
