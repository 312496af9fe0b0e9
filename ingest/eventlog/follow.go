// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"
)

const (
	// followInterval is the time between two reads of new entries.
	followInterval = 250 * time.Millisecond
	// followRecords is the maximum number of new records that one read returns. Follow skips older records.
	followRecords = 500
	// followTimeout bounds one read. While Redis is unreachable, the client repeats a read until its deadline.
	followTimeout = 2 * time.Second
)

// Update is one element of the sequence that Follow returns.
type Update struct {
	// Entries are new or changed entries that the query selects, at most 100, oldest first.
	Entries []Entry
	// Missed is the number of new entries that Follow skipped since the last update, whether or not the query selects
	// them. It is a lower bound, because Follow cannot count entries that were written and deleted between two reads.
	Missed int
}

// Follow returns a sequence of the entries that any process writes or changes after the call. The sequence ends when
// ctx ends. Follow ignores the query's limit, cursor and times. Every error comes from Redis. A caller can continue
// after an error in the sequence and then gets the entries that changed in the meantime.
//
// The sequence reads from Redis at most four times a second, and only when the caller asks for the next update. A slow
// caller therefore never slows deliveries. If more than 500 entries changed since the last read, the sequence continues
// with the newest 500 entries and reports the older ones as missed.
func (l *Log) Follow(ctx context.Context, query Query) (iter.Seq2[Update, error], error) {
	f := follower{log: l, query: &query, sections: l.sections(), ends: make([]end, 2*l.space.Shards())}
	if _, _, err := f.newRows(ctx); err != nil { // the first call finds the end of the log
		return nil, err
	}
	return func(yield func(Update, error) bool) {
		for ctx.Err() == nil {
			rows, missed, err := f.newRows(ctx)
			if err != nil && ctx.Err() == nil && !yield(Update{}, err) || !f.yieldRows(ctx, rows, missed, yield) {
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(followInterval):
			}
		}
	}, nil
}

// follower is the state of one call of Follow.
type follower struct {
	log      *Log
	query    *Query
	sections []section
	ends     []end // the end of each section
}

// end is the newest time in a section that the follower has seen, and the IDs of the entries with this time. Later
// entries can get the same time.
type end struct {
	ms  int64
	ids []string
}

// newRows returns the rows that are new since the last call, oldest first, and the number of older new rows that it
// skipped.
func (f *follower) newRows(ctx context.Context) (rows []row, missed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	ends := slices.Clone(f.ends)
	for i := range f.sections {
		found, err := f.newRowsOf(ctx, i)
		if err != nil {
			return nil, 0, fmt.Errorf("event log: follow: %w", err)
		}
		if len(found) == 0 {
			continue
		}
		newest := found[0].ms
		if newest > ends[i].ms {
			ends[i] = end{ms: newest}
		}
		for _, r := range found {
			if r.ms == newest {
				ends[i].ids = append(slices.Clip(ends[i].ids), r.id)
			}
		}
		rows = append(rows, found...)
	}
	f.ends = ends
	slices.SortFunc(rows, func(a, b row) int { return a.compare(b.position) })
	if missed = len(rows) - followRecords; missed > 0 {
		return rows[missed:], missed, nil
	}
	return rows, 0, nil
}

// newRowsOf returns the new rows of one section, newest first. The maximum size of the log bounds their number.
func (f *follower) newRowsOf(ctx context.Context, i int) (rows []row, err error) {
	const page = 1000
	client, from := f.log.client, strconv.FormatInt(f.ends[i].ms, 10)
	for offset := int64(0); ; offset += page {
		members, err := client.Do(ctx, client.B().Zrevrangebyscore().Key(f.sections[i].index).Max("+inf").Min(from).
			Withscores().Limit(offset, page).Build()).AsZScores()
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			at := position{int64(member.Score), member.Member}
			if at.ms > f.ends[i].ms || !slices.Contains(f.ends[i].ids, at.id) {
				rows = append(rows, row{at, i})
			}
		}
		if len(members) < page {
			return rows, nil
		}
	}
}

func (f *follower) fetch(ctx context.Context, rows []row) ([][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	return f.log.fetch(ctx, f.sections, rows)
}

// yieldRows reads the records of the rows and yields them. It returns false if the caller stops the sequence.
func (f *follower) yieldRows(ctx context.Context, rows []row, missed int, yield func(Update, error) bool) bool {
	for len(rows) > 0 {
		n := min(len(rows), fetchRecords)
		records, err := f.fetch(ctx, rows[:n])
		if err != nil {
			return yield(Update{Missed: missed + len(rows)}, fmt.Errorf("event log: follow: %w", err))
		}
		update := Update{Missed: missed}
		for i, record := range records {
			switch {
			case record == nil:
				update.Missed++
			case f.query.matches(record):
				update.Entries = append(update.Entries, readable(rows[i].id, record))
			}
		}
		if (len(update.Entries) > 0 || update.Missed > 0) && !yield(update, nil) {
			return false
		}
		rows, missed = rows[n:], 0
	}
	return true
}
