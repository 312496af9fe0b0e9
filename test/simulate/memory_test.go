// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

// idleTime is how long the processes are idle before the simulation measures their memory. Until then, connections to
// Knock that nobody uses are closed, and the gauges of the leases are current.
const idleTime = 40 * time.Second

// goroutines counts the goroutines of the processes and of the servers to which they are connected, by the function
// that started them. It does not count workers of delivery that wait for a lane, because their number is bounded.
func goroutines() map[string]int {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	counts := map[string]int{}
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		_, creator, _ := strings.Cut(stack, "\ncreated by ")
		creator, _, _ = strings.Cut(creator, " in goroutine")
		waits := strings.Contains(stack, "delivery.(*workers).run(") && !strings.Contains(stack, "deliverLane(")
		if !waits && !strings.Contains(creator, "/test/simulate") && !strings.HasPrefix(creator, "testing") {
			counts[creator]++
		}
	}
	return counts
}

// idle holds the goroutines of a schedule without events and without faults.
var idle struct {
	once       sync.Once
	goroutines map[string]int
}

// measureIdle sets idle before the first schedule.
func measureIdle(t *testing.T) {
	t.Helper()
	idle.once.Do(func() {
		synctest.Test(t, func(*testing.T) {
			w := newWorld(1, variant{plan: func(p *plan) { *p = plan{dice: p.dice, retryFor: p.retryFor} }})
			w.run()
			idle.goroutines = w.goroutines
		})
	})
}

// checkMemory checks that the processes and Redis need no more memory than before the events. It requires that all
// events are finished.
func (w *world) checkMemory() {
	for name, n := range w.goroutines {
		if most := idle.goroutines[name]; n > most && len(w.senders) > 0 {
			w.violation(checkMemory, "%d goroutines started by %s remain; an idle process has %d", n, name, most)
		}
	}
	for process, gauges := range w.gauges {
		for name, value := range gauges {
			if value != 0 && name != "doorbell_delivery_paused" {
				w.violation(checkMemory, "%s: %s is %v when all events are finished", process, name, value)
			}
		}
	}
	w.checkDeadLetters()
	w.checkDedupeWindow()
}

// checkDeadLetters checks that Redis stores each dead letter once, and counts their size.
func (w *world) checkDeadLetters() {
	want, size := 0, 0
	for _, entry := range w.entries {
		if entry.Status == eventlog.DeadLettered {
			want++
		}
	}
	for id, event := range w.stored.deadLetters {
		size += 3*len(id) + len(event) + len(w.stored.deadProgress[id])
	}
	letters, progress, index := len(w.stored.deadLetters), len(w.stored.deadProgress), w.stored.deadIndex
	if letters != want || progress != want || index != want {
		w.violation(checkMemory, "Redis has %d dead letters, %d with progress, %d in the index; the event log has %d", letters, progress, index, want)
	}
	if w.stored.deadBytes != size {
		w.violation(checkMemory, "Redis counts %d bytes of dead letters; there are %d", w.stored.deadBytes, size)
	}
}

// checkDedupeWindow checks that Redis stores no more for the dedupe window than the keys of the finished events.
func (w *world) checkDedupeWindow() {
	const most = 64 // bytes a key
	if limit := most * len(w.events); w.stored.dedupeBytes > limit {
		w.violation(checkMemory, "the dedupe window of %d keys has %d bytes; want at most %d", len(w.events), w.stored.dedupeBytes, limit)
	}
}

// stored describes what Redis stores at the end besides the event log.
type stored struct {
	deadLetters, deadProgress map[string]string
	deadIndex, deadBytes      int
	dedupeBytes               int
}

func (w *world) readStored() stored {
	mini, keys := w.redis.mini, shard()
	hash := func(key string) map[string]string {
		values := map[string]string{}
		fields, _ := mini.HKeys(key) // no such key: no fields
		for _, field := range fields {
			values[field] = mini.HGet(key, field)
		}
		return values
	}
	s := stored{deadLetters: hash(keys.DeadLetters()), deadProgress: hash(keys.DeadLetterProgress())}
	index, _ := mini.ZMembers(keys.DeadLetterIndex()) // no such key: no members
	s.deadIndex = len(index)
	s.deadBytes, _ = strconv.Atoi(mini.HGet(keys.Meta(), "deadbytes")) // 0 if the field does not exist
	for _, key := range mini.Keys() {
		if strings.HasPrefix(key, keys.DedupeSets()) {
			s.dedupeBytes += w.contentSize(key)
		}
	}
	return s
}

// contentSize returns the size of the elements of a key in bytes.
func (w *world) contentSize(key string) int {
	mini := w.redis.mini
	var elements []string
	switch mini.Type(key) {
	case "set":
		elements, _ = mini.Members(key)
	case "string":
		value, _ := mini.Get(key)
		elements = []string{value}
	default:
		w.violation(checkMemory, "key %s has the unexpected type %s", key, mini.Type(key))
	}
	return len(strings.Join(elements, ""))
}
