// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
)

// DeadLetter is a stored dead letter.
type DeadLetter struct {
	ID string
	// At is when the event was dead-lettered, in whole milliseconds.
	At time.Time
	// Event is nil if the stored event cannot be decoded.
	Event *event.Event
	// Progress is the event's progress when it was dead-lettered; nil if there was none.
	Progress []byte

	shard *shard
}

// pageBytes is the maximum size of the dead letters in a page. A single larger dead letter is a page of its own.
const pageBytes = 8 << 20

// DeadLetters returns up to limit dead letters, the latest first, and the cursor of the next page, which is "" if there
// is no next page. To read the first page, pass "" as the cursor. A page is shorter if its dead letters would have more
// than 8 MiB together. Later pages do not contain dead letters that were added after the first page was read.
func (b *Inbox) DeadLetters(ctx context.Context, cursor string, limit int) (page []DeadLetter, next string, err error) {
	return b.deadLetterPage(ctx, latestFirst{b.client}, cursor, limit)
}

// OldestDeadLetters is like DeadLetters, but returns the oldest dead letters first. Later pages also contain dead
// letters that were added after the first page was read.
func (b *Inbox) OldestDeadLetters(ctx context.Context, cursor string, limit int) (page []DeadLetter, next string, err error) {
	return b.deadLetterPage(ctx, oldestFirst{b.client}, cursor, limit)
}

func (b *Inbox) deadLetterPage(ctx context.Context, order deadLetterOrder, cursor string, limit int) (page []DeadLetter, next string, err error) {
	for _, s := range b.shards {
		found, err := deadLetterIDs(ctx, s, order, cursor, limit+1)
		if err != nil {
			return nil, "", failure("dead letters", err)
		}
		page = append(page, found...)
	}
	slices.SortFunc(page, func(a, b DeadLetter) int { return order.compare(a.position(), b.position()) })
	n, err := b.fitting(ctx, page[:min(len(page), limit)])
	if err != nil {
		return nil, "", failure("dead letters", err)
	}
	if n < len(page) {
		page = page[:n]
		next = page[n-1].Cursor()
	}
	if err := b.fillDeadLetters(ctx, page); err != nil {
		return nil, "", failure("dead letters", err)
	}
	return page, next, nil
}

// deadLetterIDs returns the IDs and times of up to limit dead letters of a shard after the cursor.
func deadLetterIDs(ctx context.Context, s *shard, order deadLetterOrder, cursor string, limit int) (found []DeadLetter, err error) {
	last := parsePosition(cursor)
	for offset := int64(0); len(found) < limit; offset += int64(limit) {
		index, err := order.read(ctx, s.keys.DeadLetterIndex(), last.ms, offset, int64(limit))
		if err != nil {
			return nil, err
		}
		for _, entry := range index {
			d := DeadLetter{ID: entry.Member, At: time.UnixMilli(int64(entry.Score)).UTC(), shard: s}
			if cursor == "" || order.compare(d.position(), last) > 0 {
				found = append(found, d)
			}
		}
		if len(index) < limit {
			break
		}
	}
	return found[:min(len(found), limit)], nil
}

// fitting returns how many of the dead letters fit into a page, at least one if there is one.
func (b *Inbox) fitting(ctx context.Context, letters []DeadLetter) (n int, err error) {
	commands := make(rueidis.Commands, 0, 2*len(letters))
	for _, d := range letters {
		commands = append(commands, b.client.B().Hstrlen().Key(d.shard.keys.DeadLetters()).Field(d.ID).Build(),
			b.client.B().Hstrlen().Key(d.shard.keys.DeadLetterProgress()).Field(d.ID).Build())
	}
	if len(commands) == 0 {
		return 0, nil
	}
	bytes, results := int64(0), b.client.DoMulti(ctx, commands...)
	for n = range letters {
		for _, result := range results[2*n : 2*n+2] {
			size, err := result.AsInt64()
			if err != nil {
				return 0, err
			}
			bytes += size
		}
		if bytes > pageBytes && n > 0 {
			return n, nil
		}
	}
	return len(letters), nil
}

// fillDeadLetters reads the events and the progress of dead letters that have only an ID and a time.
func (b *Inbox) fillDeadLetters(ctx context.Context, letters []DeadLetter) error {
	commands := make(rueidis.Commands, 0, 2*len(letters))
	for _, d := range letters {
		commands = append(commands, b.client.B().Hget().Key(d.shard.keys.DeadLetters()).Field(d.ID).Build(),
			b.client.B().Hget().Key(d.shard.keys.DeadLetterProgress()).Field(d.ID).Build())
	}
	if len(commands) == 0 {
		return nil
	}
	results := b.client.DoMulti(ctx, commands...)
	for i := range letters {
		stored, err := results[2*i].ToString()
		if err != nil && !rueidis.IsRedisNil(err) {
			return err
		}
		progress, err := results[2*i+1].ToString()
		if err != nil && !rueidis.IsRedisNil(err) {
			return err
		}
		received, encoded, _ := strings.Cut(stored, " ")
		var l Lease
		_ = l.fill(received, encoded, progress) // an event that cannot be decoded stays nil
		letters[i].Event, letters[i].Progress = l.Event, l.Progress
	}
	return nil
}

// GetDeadLetter returns a dead letter, or nil and no error if no dead letter has this ID.
func (b *Inbox) GetDeadLetter(ctx context.Context, id string) (*DeadLetter, error) {
	for _, s := range b.shards {
		ms, err := b.client.Do(ctx, b.client.B().Zscore().Key(s.keys.DeadLetterIndex()).Member(id).Build()).AsFloat64()
		if rueidis.IsRedisNil(err) {
			continue
		}
		found := []DeadLetter{{ID: id, At: time.UnixMilli(int64(ms)).UTC(), shard: s}}
		if err == nil {
			err = b.fillDeadLetters(ctx, found)
		}
		if err != nil {
			return nil, failure("dead letters", err)
		}
		return &found[0], nil
	}
	return nil, nil
}

// Discard deletes a dead letter. It reports whether a dead letter had this ID. The caller can safely repeat Discard
// after an error.
func (b *Inbox) Discard(ctx context.Context, id string) (found bool, err error) {
	for _, s := range b.shards {
		word, _, err := b.scripts.discard.run(ctx, b.client, s.sharedKeys, []string{id})
		if err != nil || word == wordDone {
			return err == nil, err
		}
	}
	return false, nil
}

// Replay moves a dead letter to the end of its lane, as a new event with the given progress. If progress is nil,
// delivery starts from the beginning. The Lease.ReplayOf of the new event is the ID of the dead letter. Replay returns
// the ID of the new event. It reports false if the dead letter no longer exists or cannot be decoded. The caller can
// safely repeat Replay after an error: Redis replays a dead letter only once, and the repetition reports false if the
// first call was executed.
func (b *Inbox) Replay(ctx context.Context, letter *DeadLetter, progress []byte) (id string, found bool, err error) {
	if letter.Event == nil {
		return "", false, nil
	}
	e := *letter.Event
	e.ID = event.NewID()
	s, lane, fingerprint := letter.shard, b.space.Lane(e.OrderingKey).Name, ""
	if e.Key != "" {
		fingerprint = b.space.Fingerprint(e.Type, e.Key).Name
	}
	keys := append(slices.Clone(s.sharedKeys), s.keys.Lane(lane))
	word, _, err := b.runDurably(ctx, s, b.scripts.replay, keys, []string{
		b.clock.argument(), letter.ID, lane, fingerprint, e.ID, rueidis.BinaryString(e.Append(nil)), rueidis.BinaryString(progress),
	})
	if err != nil || word != wordDone {
		return "", false, err
	}
	s.signalDue()
	return e.ID, true, nil
}
