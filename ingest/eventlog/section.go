// SPDX-License-Identifier: Apache-2.0

package eventlog

// minorFraction divides Limits.MaxEvents: the result is the budget of the minor entries.
const minorFraction = 10

// MinorEvents returns the maximum number of minor entries: of duplicates, and of events that no mapping matches.
func (l Limits) MinorEvents() int { return (l.MaxEvents + minorFraction - 1) / minorFraction }

// minor reports whether an entry belongs to the minor section of the log: a duplicate, or an event that no mapping
// matches. Such entries have a small budget of their own, so that they never push out the entries of delivered, failed
// and retrying events.
func (e *Entry) minor() bool {
	return e.Status == Duplicate || e.Status == Skipped && len(e.Actions) == 0
}

// section is a part of the log with its own budget. Each shard has two: one for minor entries and one for all others.
type section struct {
	log, index string // Redis keys
	max        int    // number of records
}

// shardSections returns the sections of a shard; the second is for minor entries.
func (l *Log) shardSections(shard int) [2]section {
	keys, limits, shards := l.space.Shard(shard), l.limits.Load(), l.space.Shards()
	return [2]section{
		{keys.Log(), keys.LogIndex(), (limits.MaxEvents + shards - 1) / shards},
		{keys.MinorLog(), keys.MinorLogIndex(), (limits.MinorEvents() + shards - 1) / shards},
	}
}

// sections returns the sections of all shards.
func (l *Log) sections() []section {
	var all []section
	for shard := range l.space.Shards() {
		both := l.shardSections(shard)
		all = append(all, both[:]...)
	}
	return all
}
