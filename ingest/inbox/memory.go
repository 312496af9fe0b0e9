// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// A finished event's key is remembered in the slice of time in which it was received; a slice is an eighth of the window long and
// nine of them are looked at, the current one and the eight before. So a key is known for at least the window, and at most an
// eighth longer.
const (
	slicesBack  = 8
	slicesAhead = 1 // the clock may go back a little
)

// shortest is the least slice length, in ms: the current slice must be guessed before a script can ask for the time.
const shortest = 100

// sliceLength is in ms: an eighth of the window, rounded up; 0 for no window.
func sliceLength(window time.Duration) int64 {
	if window <= 0 {
		return 0
	}
	return max((window.Milliseconds()+slicesBack-1)/slicesBack, shortest)
}

// memory is under which slice lengths a shard's keys may be remembered.
type memory struct {
	value   string // as the shard's meta has it
	current int64  // length of slices that are written now, ms; 0 remembers nothing
	former  []length
}

// length is a slice length that is not written any more.
type length struct{ length, until int64 }

// parseMemory reads what slices.lua writes.
func parseMemory(value string) memory {
	m := memory{value: value}
	for i, field := range strings.Fields(value) {
		text, until, _ := strings.Cut(field, ":")
		entry := length{}
		entry.length, _ = strconv.ParseInt(text, 10, 64) // ours: a number
		entry.until, _ = strconv.ParseInt(until, 10, 64)
		if i == 0 {
			m.current = entry.length
		} else {
			m.former = append(m.former, entry)
		}
	}
	return m
}

// lengths are those to look a key up in.
func (m memory) lengths(now int64) []int64 {
	var lengths []int64
	if m.current > 0 {
		lengths = append(lengths, m.current)
	}
	for _, former := range m.former {
		if former.until > now {
			lengths = append(lengths, former.length)
		}
	}
	return lengths
}

// appendLookups appends the sets in which a key may be remembered.
func appendLookups(keys []string, shard keyspace.Shard, lengths []int64, now int64, bucket string) []string {
	for _, length := range lengths {
		current := now / length
		for n := current - slicesBack; n <= current+slicesAhead; n++ {
			keys = append(keys, shard.Remembered(length, n, bucket))
		}
	}
	return keys
}

// place is where a key received at a time is remembered, and the time from which it is not.
func (m memory) place(shard keyspace.Shard, receivedAt int64, bucket string) (key string, until int64) {
	n := receivedAt / m.current
	return shard.Remembered(m.current, n, bucket), (n + slicesBack + 1) * m.current
}
