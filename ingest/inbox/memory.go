// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"strconv"
	"strings"
	"time"
)

// A finished event's key is remembered with the slice of time in which it was received; a slice is an eighth of the window long, and
// a key is known in its own slice and the eight after it. So it is known for at least the window, and at most an eighth longer.
const slicesAWindow = 8

// sliceLength is in ms: an eighth of the window, rounded up; 0 for no window.
func sliceLength(window time.Duration) int64 {
	if window <= 0 {
		return 0
	}
	return max((window.Milliseconds()+slicesAWindow-1)/slicesAWindow, 1)
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

// lengths are those to look a key up in, at a time in ms.
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
