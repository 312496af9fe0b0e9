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
	// MaxEvents is the maximum number of entries, split evenly over the source's shards; 0 turns the log off. When Redis is out of
	// memory, Doorbell deletes further entries to make room for events.
	MaxEvents int
	// Retention is how long Doorbell keeps an entry after its last change; 0 means no age limit.
	Retention time.Duration
}

// Log reads and writes one source's log. Its methods are safe for concurrent use.
type Log struct {
	client rueidis.Client
	space  keyspace.Space
	limits atomic.Pointer[Limits]
	append *rueidis.Lua
}

// Open returns the log in the keyspace of the source's inbox. It does not call Redis.
func Open(client rueidis.Client, space keyspace.Space, limits Limits) *Log {
	l := &Log{client: client, space: space, append: rueidis.NewLuaScript(redislua.LogRecord() + appendSource)}
	l.Configure(limits)
	return l
}

// Configure changes the limits. Doorbell applies them when it next writes an entry.
func (l *Log) Configure(limits Limits) { l.limits.Store(&limits) }

// Append writes entries of events that the inbox did not store, such as duplicates. It is safe to repeat: an entry replaces an
// earlier entry with the same ID. After an error, some of the entries may have been written.
func (l *Log) Append(ctx context.Context, entries []Entry) error {
	limits := l.limits.Load()
	share := (limits.MaxEvents + l.space.Shards() - 1) / l.space.Shards()
	first := []string{"", strconv.Itoa(share), strconv.FormatInt(limits.Retention.Milliseconds(), 10)}
	calls := make([][]string, l.space.Shards())
	for _, entry := range entries {
		i := l.space.Lane(entry.OrderingKey).Shard
		if calls[i] == nil {
			calls[i] = append(calls[i], first...)
		}
		calls[i] = append(calls[i], entry.ID, rueidis.BinaryString(Encode(entry)))
	}
	for i, args := range calls {
		if args == nil {
			continue
		}
		keys := []string{l.space.Shard(i).Log(), l.space.Shard(i).LogIndex()}
		if err := l.append.Exec(ctx, l.client, keys, args).Error(); err != nil {
			return fmt.Errorf("event log: append: %w", err)
		}
	}
	return nil
}

// Get returns the entry of an event. It returns nil if there is no entry: nothing has been recorded for the event yet, or its entry
// was deleted.
func (l *Log) Get(ctx context.Context, id string) (*Entry, error) {
	commands := make(rueidis.Commands, l.space.Shards())
	for i := range commands {
		commands[i] = l.client.B().Hget().Key(l.space.Shard(i).Log()).Field(id).Build()
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
