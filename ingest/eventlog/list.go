// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// Query selects entries. A zero field does not restrict the result.
type Query struct {
	// Limit is the maximum number of entries to return; 0 means 100.
	Limit int
	// Before is the ID of the last entry of the previous page; List returns only older entries. If the log has deleted that entry,
	// it has deleted all older entries too, and List returns none.
	Before string
	Status Status
	// Type is an event type as received; List compares it exactly.
	Type string
}

func (q Query) selects(entry *Entry) bool {
	return (q.Status == "" || q.Status == entry.Status) && (q.Type == "" || q.Type == entry.Type)
}

// List returns the entries that the query selects. The entry that changed last comes first.
func (l *Log) List(ctx context.Context, query Query) ([]Entry, error) {
	if query.Limit <= 0 {
		query.Limit = 100
	}
	start := position{score: "+inf"}
	if query.Before != "" {
		found, err := l.position(ctx, query.Before)
		if err != nil || found == nil {
			return nil, err
		}
		start = *found
	}
	var rows []row
	for i := range l.space.Shards() {
		more, err := l.scan(ctx, l.space.Shard(i), start, query)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	slices.SortFunc(rows, func(a, b row) int { return b.position.compare(a.position) })
	entries := make([]Entry, 0, min(len(rows), query.Limit))
	for _, r := range rows[:min(len(rows), query.Limit)] {
		entries = append(entries, *r.entry)
	}
	return entries, nil
}

// position orders entries by the time of their last change, then by ID.
//
// ms is the time in milliseconds since 1970, and score is the same time as Redis writes it.
type position struct {
	score string
	ms    float64
	id    string
}

func (p position) compare(other position) int {
	return cmp.Or(cmp.Compare(p.ms, other.ms), cmp.Compare(p.id, other.id))
}

type row struct {
	position
	entry *Entry
}

// position looks an entry up in all shards. It returns nil if the log has no such entry.
func (l *Log) position(ctx context.Context, id string) (*position, error) {
	commands := make(rueidis.Commands, l.space.Shards())
	for i := range commands {
		commands[i] = l.client.B().Zscore().Key(l.space.Shard(i).LogIndex()).Member(id).Build()
	}
	for _, result := range l.client.DoMulti(ctx, commands...) {
		ms, err := result.AsFloat64()
		if rueidis.IsRedisNil(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("event log: list: %w", err)
		}
		return &position{score: strconv.FormatFloat(ms, 'f', 0, 64), ms: ms, id: id}, nil
	}
	return nil, nil
}

// scan collects from one shard the rows that the query selects, up to its limit. Entries that are written during the scan move
// older ones to a later page; scan skips the entries that it has already seen.
func (l *Log) scan(ctx context.Context, shard keyspace.Shard, start position, query Query) ([]row, error) {
	const page = 100
	var rows []row
	seen := map[string]bool{}
	for offset := int64(0); len(rows) < query.Limit; offset += page {
		index, err := l.client.Do(ctx, l.client.B().Zrevrangebyscore().Key(shard.LogIndex()).Max(start.score).Min("-inf").
			Withscores().Limit(offset, page).Build()).AsZScores()
		if err != nil {
			return nil, fmt.Errorf("event log: list: %w", err)
		}
		var wanted []position
		for _, member := range index {
			at := position{ms: member.Score, id: member.Member}
			if !seen[at.id] && (start.id == "" || at.compare(start) < 0) {
				seen[at.id] = true
				wanted = append(wanted, at)
			}
		}
		more, err := l.fetch(ctx, shard, wanted, query)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		if len(index) < page {
			break
		}
	}
	return rows[:min(len(rows), query.Limit)], nil
}

// fetch reads the entries at these positions and returns those that the query selects.
func (l *Log) fetch(ctx context.Context, shard keyspace.Shard, wanted []position, query Query) ([]row, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	ids := make([]string, len(wanted))
	for i, at := range wanted {
		ids[i] = at.id
	}
	records, err := l.client.Do(ctx, l.client.B().Hmget().Key(shard.Log()).Field(ids...).Build()).ToArray()
	if err != nil {
		return nil, fmt.Errorf("event log: list: %w", err)
	}
	var rows []row
	for i, record := range records {
		if record.IsNil() {
			continue // deleted since the index was read
		}
		text, err := record.ToString()
		if err != nil {
			return nil, fmt.Errorf("event log: list: %w", err)
		}
		entry, err := decode([]byte(text))
		if err != nil {
			return nil, err
		}
		if query.selects(entry) {
			rows = append(rows, row{position: wanted[i], entry: entry})
		}
	}
	return rows, nil
}
