// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"os"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// maxIntset is the maximum number of members of a set that Redis stores in 8 bytes a member.
const maxIntset = 512

// fillWindow remembers n keys that arrive at a constant rate over one dedupe window.
func fillWindow(tb testing.TB, b *inbox.Inbox, clock *clock, n int) {
	tb.Helper()
	began := clock.ms.Load()
	duplicates, err := inboxtest.RememberKeys(tb.Context(), b, 0, n, func(keys int) {
		clock.ms.Store(began + int64(float64(keys)/float64(n)*float64(window.Milliseconds())))
	})
	if err != nil || duplicates != 0 {
		tb.Fatalf("%d of %d events were duplicates, %v", duplicates, n, err)
	}
}

// dedupeSets returns the number of members of each dedupe set, and the memory of all of them in bytes.
func dedupeSets(t *testing.T, client rueidis.Client, b *inbox.Inbox) (sizes map[string]int64, memory int64) {
	t.Helper()
	keys, err := client.Do(t.Context(), client.B().Keys().Pattern("*:k:*").Build()).AsStrSlice()
	ok(t, err)
	sizes = map[string]int64{}
	for _, key := range keys {
		size, err := client.Do(t.Context(), client.B().Scard().Key(key).Build()).AsInt64()
		ok(t, err)
		bytes, err := client.Do(t.Context(), client.B().MemoryUsage().Key(key).Samples(0).Build()).AsInt64()
		ok(t, err)
		sizes[key] = size
		memory += bytes
	}
	return sizes, memory
}

func TestTheSizeOfDedupeSetsStaysBelowTheLimitForIntegers(t *testing.T) {
	counts := []int{1_000, 100_000, 500_000}
	if os.Getenv("LONG") != "" {
		counts = append(counts, 3_000_000, 10_000_000)
	}
	for _, n := range counts {
		client := redistest.Start(t, "--appendonly", "no").Client(t)
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		began := time.Now()
		fillWindow(t, b, clock, n)
		sizes, memory := dedupeSets(t, client, b)
		largest := int64(0)
		for _, size := range sizes {
			largest = max(largest, size)
		}
		t.Logf("%d keys: %d sets, the largest has %d members, %.1f bytes a key, %v", n, len(sizes), largest, float64(memory)/float64(n), time.Since(began))
		if largest > maxIntset {
			t.Errorf("%d keys: a set has %d members; want at most %d", n, largest, maxIntset)
		}
		if limit := int64(16); n >= 100_000 && memory > limit*int64(n) {
			t.Errorf("%d keys take %d bytes; want at most %d a key", n, memory, limit)
		}
	}
}
