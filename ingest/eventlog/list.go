// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

const (
	// scanRecords and scanBytes bound how much List reads for one page.
	scanRecords = 2500
	scanBytes   = 8 << 20
	// fetchRecords is the maximum number of records that one call of fetch reads.
	fetchRecords = 100
	// indexRecords is about how many positions List reads ahead, over all sections.
	indexRecords = 1000
)

// Page is a part of the entries that a query selects.
type Page struct {
	// Entries are sorted by the time of their last change, newest first.
	Entries []Entry
	// Next is the cursor of the next page. It is empty if there are no older entries.
	Next string
}

// AppendJSON appends the page as JSON to dst: an object with entries and next. Unlike encoding/json, it keeps the exact
// bytes of payloads and of the bodies of requests.
func (p *Page) AppendJSON(dst []byte) []byte {
	o := rawjson.OpenObject(dst)
	o.Value("entries", p.appendEntries)
	o.OptionalText("next", p.Next)
	return o.Close()
}

func (p *Page) appendEntries(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range p.Entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.Entries[i].AppendJSON(dst)
	}
	return append(dst, ']')
}

// List returns the newest entries that the query selects. If the query has a cursor, List returns the next older
// entries. The error is a *CursorError if the cursor is invalid; any other error comes from Redis.
//
// One call reads at most 2,500 records, or about 8 MiB of them. If the query selects few of these, the page is short or
// even empty, and its Next continues the search. Only an empty Next means that there are no more entries. A cursor
// marks a point in time, so entries that are written later do not appear on the next pages. An entry that changes
// between two pages, such as from retrying to succeeded, becomes the newest entry and can be missing from the next
// pages.
func (l *Log) List(ctx context.Context, query Query) (Page, error) {
	start, err := query.start()
	if err != nil {
		return Page{}, err
	}
	s := scan{log: l, query: &query, sections: l.sections(), at: start}
	if query.User != "" {
		both := l.shardSections(l.space.Lane(query.User).Shard)
		s.sections = both[:]
	}
	for more := true; more && !s.done(); {
		var rows []row
		if rows, more, err = s.readIndex(ctx); err != nil {
			return Page{}, fmt.Errorf("event log: list: %w", err)
		}
		for len(rows) > 0 && !s.done() {
			n := min(len(rows), fetchRecords)
			if err := s.read(ctx, rows[:n]); err != nil {
				return Page{}, fmt.Errorf("event log: list: %w", err)
			}
			rows = rows[n:]
		}
	}
	if s.done() {
		s.page.Next = s.at.cursor()
	}
	return s.page, nil
}

// scan reads the log for one page, from the newest entry to the oldest.
type scan struct {
	log            *Log
	query          *Query
	sections       []section
	at             position // everything from the start to here has been read
	records, bytes int
	page           Page
}

func (s *scan) done() bool {
	return len(s.page.Entries) >= s.query.PageSize() || s.records >= scanRecords || s.bytes >= scanBytes
}

// row locates one record: its position in time and the index of its section.
type row struct {
	position
	section int
}

// readIndex returns the next rows of all sections, newest first. more reports whether there are older ones.
func (s *scan) readIndex(ctx context.Context) (rows []row, more bool, err error) {
	perSection := max(indexRecords/len(s.sections), fetchRecords)
	found, complete := make([][]row, len(s.sections)), make([]bool, len(s.sections))
	group, ctx := errgroup.WithContext(ctx)
	for i := range s.sections {
		group.Go(func() (err error) {
			found[i], complete[i], err = s.readSection(ctx, i, perSection)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, false, err
	}
	// If a section has more rows, its rows older than the last one are still unknown. Rows of other sections that are
	// older than this last row must therefore wait for the next call.
	end := position{ms: -1}
	for i, list := range found {
		if !complete[i] {
			more = true
			if last := list[len(list)-1].position; end.before(last) {
				end = last
			}
		}
		rows = append(rows, list...)
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return r.before(end) })
	slices.SortFunc(rows, func(a, b row) int { return b.compare(a.position) })
	return rows, more, nil
}

// readSection returns the next n or more rows of a section. complete reports whether there are no older rows; if it is
// false, rows has at least one row. Redis selects entries by the millisecond, so it also returns entries that the scan
// has read already, and readSection drops them.
func (s *scan) readSection(ctx context.Context, i, n int) (rows []row, complete bool, err error) {
	client, newest := s.log.client, "+inf"
	if s.at.ms != math.MaxInt64 {
		newest = strconv.FormatInt(s.at.ms, 10)
	}
	oldest := "-inf"
	if !s.query.Since.IsZero() {
		oldest = strconv.FormatInt(s.query.Since.UnixMilli(), 10)
	}
	for offset := int64(0); len(rows) == 0; offset += int64(n) {
		members, err := client.Do(ctx, client.B().Zrevrangebyscore().Key(s.sections[i].index).Max(newest).Min(oldest).
			Withscores().Limit(offset, int64(n)).Build()).AsZScores()
		if err != nil {
			return nil, false, err
		}
		for _, member := range members {
			if at := (position{int64(member.Score), member.Member}); at.before(s.at) {
				rows = append(rows, row{at, i})
			}
		}
		if len(members) < n {
			return rows, true, nil
		}
	}
	return rows, false, nil
}

// read reads the records of these rows and adds the selected ones to the page, until the page is complete.
func (s *scan) read(ctx context.Context, rows []row) error {
	records, err := s.log.fetch(ctx, s.sections, rows)
	if err != nil {
		return err
	}
	for i, record := range records {
		if s.done() {
			return nil
		}
		s.at = rows[i].position
		s.records, s.bytes = s.records+1, s.bytes+len(record)
		if record != nil && s.query.matches(record) {
			s.page.Entries = append(s.page.Entries, readable(rows[i].id, record))
		}
	}
	return nil
}

// fetch returns the records of the rows, in the order of the rows. A record is nil if it was deleted after the index
// was read.
func (l *Log) fetch(ctx context.Context, sections []section, rows []row) ([][]byte, error) {
	records := make([][]byte, len(rows))
	ids, places := make([][]string, len(sections)), make([][]int, len(sections))
	for i, r := range rows {
		ids[r.section], places[r.section] = append(ids[r.section], r.id), append(places[r.section], i)
	}
	var commands rueidis.Commands
	var targets [][]int // of each command
	for i := range sections {
		if len(ids[i]) > 0 {
			commands = append(commands, l.client.B().Hmget().Key(sections[i].log).Field(ids[i]...).Build())
			targets = append(targets, places[i])
		}
	}
	for i, result := range l.client.DoMulti(ctx, commands...) {
		values, err := result.ToArray()
		if err != nil {
			return nil, err
		}
		for j, value := range values {
			if !value.IsNil() {
				if records[targets[i][j]], err = value.AsBytes(); err != nil {
					return nil, err
				}
			}
		}
	}
	return records, nil
}

// readable decodes a record. If that fails, the entry has only the ID and the reason, so that one damaged record does
// not hide the others.
func readable(id string, record []byte) Entry {
	entry, err := decode(record)
	if err != nil {
		return Entry{ID: id, Reason: err.Error()}
	}
	return *entry
}
