// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// Limits bound the log of one source.
type Limits struct {
	// MaxEvents is how many entries are kept; 0 keeps no log. When Redis has no memory left, fewer are kept: events come first.
	MaxEvents int
	// Retention is how long an entry is kept after its last change; 0 means as long as MaxEvents allows.
	Retention time.Duration
}

// Log reads and writes one source's log. Its methods may be called at once from many goroutines.
type Log struct {
	client rueidis.Client
	space  keyspace.Space
	limits atomic.Pointer[Limits]
	append *rueidis.Lua
}

// Open is given the space of the source's inbox; it starts nothing.
func Open(client rueidis.Client, space keyspace.Space, limits Limits) *Log {
	l := &Log{client: client, space: space, append: rueidis.NewLuaScript(prelude + appendSource)}
	l.Configure(limits)
	return l
}

// Configure changes the limits.
func (l *Log) Configure(limits Limits) { l.limits.Store(&limits) }

// Append writes entries of events that the inbox did not take, such as duplicates.
func (l *Log) Append(ctx context.Context, entries []Entry) error {
	limits := l.limits.Load()
	share := (limits.MaxEvents + l.space.Shards() - 1) / l.space.Shards()
	first := []string{"", strconv.Itoa(share), strconv.FormatInt(limits.Retention.Milliseconds(), 10)}
	calls := make([][]string, l.space.Shards())
	for _, entry := range entries {
		record, err := Encode(entry)
		if err != nil {
			return err
		}
		i := l.space.Lane(entry.OrderingKey).Shard
		if calls[i] == nil {
			calls[i] = append(calls[i], first...)
		}
		calls[i] = append(calls[i], entry.ID, rueidis.BinaryString(record))
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

// Get returns the entry of an event, nil if there is none: it was never finished, or is not kept any more.
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

// Encode is an entry as the log stores it: the record that the inbox's methods take.
func Encode(entry Entry) ([]byte, error) {
	var record bytes.Buffer
	encoder := json.NewEncoder(&record)
	encoder.SetEscapeHTML(false) // payloads keep their bytes
	if err := encoder.Encode(entry); err != nil {
		return nil, fmt.Errorf("event log: event %s: %w", entry.ID, err)
	}
	return bytes.TrimRight(record.Bytes(), "\n"), nil
}

func decode(record []byte) (*Entry, error) {
	entry := &Entry{}
	if err := json.Unmarshal(record, entry); err != nil {
		return nil, fmt.Errorf("event log: stored entry: %w", err)
	}
	return entry, nil
}
