// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"strings"
	"time"
)

// The dedupe window is divided into buckets of time. Redis stores the key of a finished event with the bucket in which
// Doorbell received the event. Doorbell remembers the key in that bucket and the eight buckets after it: for at least
// the window, and at most an eighth longer. dedupe.lua describes the format.
const bucketsPerWindow = 8

// bucketLength returns an eighth of the window in ms, rounded up; 0 if there is no window.
func bucketLength(window time.Duration) int64 {
	if window <= 0 {
		return 0
	}
	return max((window.Milliseconds()+bucketsPerWindow-1)/bucketsPerWindow, 1)
}

// bucketLengths are the bucket lengths under which a shard has stored keys of finished events. A shard has more than
// one length for a while after the window has changed.
type bucketLengths struct {
	stored  string // the text that buckets.lua writes
	current int64  // the length under which scripts add keys, ms; 0 if there is no dedupe window
	earlier []earlierLength
}

// earlierLength is a bucket length under which scripts no longer add keys. From emptyFrom on, in ms since 1970, all
// keys under that length are outside the window.
type earlierLength struct{ length, emptyFrom int64 }

// parseBucketLengths parses the value that buckets.lua writes.
func parseBucketLengths(stored string) bucketLengths {
	lengths := bucketLengths{stored: stored}
	for i, field := range strings.Fields(stored) {
		text, emptyFrom, _ := strings.Cut(field, ":")
		entry := earlierLength{}
		entry.length, _ = strconv.ParseInt(text, 10, 64) // buckets.lua writes only numbers
		entry.emptyFrom, _ = strconv.ParseInt(emptyFrom, 10, 64)
		if i == 0 {
			lengths.current = entry.length
		} else {
			lengths.earlier = append(lengths.earlier, entry)
		}
	}
	return lengths
}

// searchable returns the lengths under which a key can still be in the window at the given time, in ms since 1970.
func (l bucketLengths) searchable(now int64) []int64 {
	var lengths []int64
	if l.current > 0 {
		lengths = append(lengths, l.current)
	}
	for _, earlier := range l.earlier {
		if earlier.emptyFrom > now {
			lengths = append(lengths, earlier.length)
		}
	}
	return lengths
}
