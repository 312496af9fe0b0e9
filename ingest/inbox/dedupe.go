// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"strings"
	"time"
)

// The dedupe window is divided into buckets of time. A finished event's key is stored with the bucket in which the event was
// received, and is known in that bucket and the eight after it: for at least the window, and at most an eighth longer. dedupe.lua
// describes the format.
const bucketsPerWindow = 8

// bucketLength returns an eighth of the window in ms, rounded up; 0 if there is no window.
func bucketLength(window time.Duration) int64 {
	if window <= 0 {
		return 0
	}
	return max((window.Milliseconds()+bucketsPerWindow-1)/bucketsPerWindow, 1)
}

// bucketLengths are the bucket lengths under which a shard has stored keys of finished events. There is more than one for a while
// after the window has changed.
type bucketLengths struct {
	stored  string // as buckets.lua writes it
	current int64  // the length under which keys are added, ms; 0 if there is no dedupe window
	earlier []earlierLength
}

// earlierLength is a length under which keys are no longer added. No key is live from emptyFrom on, in ms since 1970.
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

// searchable returns the lengths under which a key may be found at the given time, in ms since 1970.
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
