// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"strings"
	"time"
)

const (
	// bucketsPerWindow is the number of buckets of time into which the dedupe window is divided. Redis stores the key of
	// a finished event with the bucket in which Doorbell received the event. Doorbell remembers the key in that bucket
	// and the eight buckets after it: for at least the window, and at most an eighth longer. dedupe.lua describes the
	// format.
	bucketsPerWindow = 8
	// firstSets is the number of sets, over all shards, in which a new source stores its keys. minSets is the minimum
	// for a shard.
	firstSets = 1024
	minSets   = 16
)

// bucketLength returns an eighth of the window in ms, rounded up; 0 if there is no window.
func bucketLength(window time.Duration) int64 {
	if window <= 0 {
		return 0
	}
	return max((window.Milliseconds()+bucketsPerWindow-1)/bucketsPerWindow, 1)
}

// layouts are the layouts under which a shard has stored keys of finished events; layouts.lua describes them. A shard
// has more than one layout for a while after the window or the number of sets has changed.
type layouts struct {
	slices, stored string // the fields slices and layouts of meta
	current        layout
	earlier        []layout
}

// layout is the bucket length, in ms, and the number of dedupe sets. A length of 0 means that there is no dedupe window;
// 0 sets is the former layout. If the layout is an earlier one, all its keys are outside the window from emptyFrom on,
// in ms since 1970.
type layout struct {
	length    int64
	sets      uint64
	emptyFrom int64
}

// parseLayouts parses the values that the scripts write.
func parseLayouts(slices, stored string) layouts {
	l := layouts{slices: slices, stored: stored}
	for i, field := range strings.Fields(stored) {
		var entry layout
		parts := strings.SplitN(field+"::", ":", 4)
		entry.length, _ = strconv.ParseInt(parts[0], 10, 64) // the scripts write only numbers
		entry.sets, _ = strconv.ParseUint(parts[1], 10, 64)
		entry.emptyFrom, _ = strconv.ParseInt(parts[2], 10, 64)
		if i == 0 {
			l.current = entry
		} else {
			l.earlier = append(l.earlier, entry)
		}
	}
	return l
}

// valid reports whether the current layout is one that this process may use: Redis has one, and it is the former layout
// if and only if processes of an earlier version use that layout too.
func (l layouts) valid() bool {
	former := strconv.FormatInt(l.current.length, 10) + ":0"
	first, _, _ := strings.Cut(l.slices, " ")
	return l.stored != "" && (l.current.sets > 0 && first == "" || l.current.sets == 0 && first == former)
}

// searchable returns the layouts under which a key can still be in the window at the given time, in ms since 1970.
func (l layouts) searchable(now int64) []layout {
	var found []layout
	if l.current.length > 0 {
		found = append(found, l.current)
	}
	for _, earlier := range l.earlier {
		if earlier.emptyFrom > now {
			found = append(found, earlier)
		}
	}
	return found
}
