// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// Stats are figures about all shards of a source.
type Stats struct {
	// Depth is the number of unfinished events.
	Depth int64
	// DeadLetters is the number of dead letters, and DroppedDeadLetters is the number that Doorbell has ever deleted
	// because of a limit or to free memory.
	DeadLetters, DroppedDeadLetters int64
	// Finished is the number of events that have been finished since the inbox exists. It does not include events that
	// were finished when they were accepted.
	Finished int64
	// CatchUp is what a process has stored last with SetCatchUp: a number of seconds, and the time at which it was stored.
	// The time is zero if no process has stored anything.
	CatchUp   float64
	CatchUpAt time.Time
	// DueSince is when the lane that has waited longest became due: the time of receipt of its first event, or later if
	// the event is being retried. It is zero if no lane is due. Stats compares it with the time that the scripts of the
	// shard last stored, which can be a second old or, in a shard without calls, older.
	DueSince time.Time
}

// Stats reads the figures in one round trip. It costs Redis a few microseconds, regardless of the number of events.
func (b *Inbox) Stats(ctx context.Context) (Stats, error) {
	commands := make(rueidis.Commands, 0, 3*len(b.shards))
	for _, s := range b.shards {
		commands = append(commands,
			b.client.B().Hmget().Key(s.keys.Meta()).Field("depth", "deaddropped", "time", "finished", "catchup", "catchupat").Build(),
			b.client.B().Zcard().Key(s.keys.DeadLetterIndex()).Build(),
			b.client.B().Zrange().Key(s.keys.Due()).Min("0").Max("0").Withscores().Build())
	}
	var stats Stats
	results := b.client.DoMulti(ctx, commands...)
	for i := 0; i < len(results); i += 3 {
		if err := stats.add(results[i], results[i+1], results[i+2]); err != nil {
			return Stats{}, failure("stats", err)
		}
	}
	return stats, nil
}

// add adds the figures of one shard.
func (s *Stats) add(meta, letters, due rueidis.RedisResult) error {
	fields, err := meta.ToArray()
	if err != nil {
		return err
	}
	count, err := letters.AsInt64()
	if err != nil {
		return err
	}
	first, err := due.AsZScores()
	if err != nil {
		return err
	}
	s.Depth += number(fields[0])
	s.DroppedDeadLetters += number(fields[1])
	s.Finished += number(fields[3])
	if at := number(fields[5]); at > 0 {
		text, _ := fields[4].ToString()
		s.CatchUp, _ = strconv.ParseFloat(text, 64)
		s.CatchUpAt = time.UnixMilli(at).UTC()
	}
	s.DeadLetters += count
	if len(first) == 0 || int64(first[0].Score) > number(fields[2]) {
		return nil
	}
	if at := time.UnixMilli(int64(first[0].Score)).UTC(); s.DueSince.IsZero() || at.Before(s.DueSince) {
		s.DueSince = at
	}
	return nil
}

// SetCatchUp stores the forecast of a process, for those that cannot make one because they have no events to deliver.
func (b *Inbox) SetCatchUp(ctx context.Context, seconds float64, at time.Time) error {
	set := b.client.B().Hset().Key(b.shards[0].keys.Meta()).FieldValue().
		FieldValue("catchup", strconv.FormatFloat(seconds, 'f', 1, 64)).
		FieldValue("catchupat", strconv.FormatInt(at.UnixMilli(), 10)).Build()
	if err := b.client.Do(ctx, set).Error(); err != nil {
		return failure("store forecast", err)
	}
	return nil
}

// number returns a stored number, or 0 if the field does not exist.
func number(field rueidis.RedisMessage) int64 {
	text, _ := field.ToString()
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// Depth returns the number of unfinished events.
func (b *Inbox) Depth(ctx context.Context) (int64, error) {
	stats, err := b.Stats(ctx)
	return stats.Depth, err
}
