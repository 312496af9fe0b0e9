// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// parallel is the number of concurrent senders for each processor.
const parallel = 64

// body is as long as a typical RudderStack event.
var body = append(append([]byte(`{"a":"`), bytes.Repeat([]byte("x"), 1100)...), `"}`...)

// numberedEvent returns event i; events i and i+100,000 have the same user.
func numberedEvent(i int64) *event.Event {
	n := strconv.FormatInt(i, 10)
	return &event.Event{
		ID: "0198c1a0-0000-7000-8000-" + fmt.Sprintf("%012d", i), Type: "track/Order Completed",
		Key: "0a7d3cfa-" + n, OrderingKey: "user " + strconv.FormatInt(i%100_000, 10), Body: body,
	}
}

// BenchmarkAccept measures Accept, and, for comparison, the minimum work of any durable receiver: one SET NX for each
// request.
func BenchmarkAccept(b *testing.B) {
	b.Run("floor=SETNX", func(b *testing.B) {
		client := redistest.Start(b).Client(b)
		var next atomic.Int64
		b.ReportAllocs()
		b.SetParallelism(parallel)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				key := "0a7d3cfa-" + strconv.FormatInt(next.Add(1), 10)
				set := client.B().Set().Key(key).Value("1").Nx().Ex(window).Build()
				if err := client.Do(b.Context(), set).Error(); err != nil {
					b.Error(err)
				}
			}
		})
	})
	for _, shards := range []int{1, 4} {
		b.Run(fmt.Sprintf("shards=%d", shards), func(b *testing.B) {
			in := inboxtest.Open(b, redistest.Start(b).Client(b), inbox.Options{Shards: shards})
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := in.Accept(b.Context(), []*event.Event{numberedEvent(next.Add(1))}, nil); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkFinish measures Complete together with Claim, which leases up to 64 lanes in a call.
func BenchmarkFinish(b *testing.B) {
	in := inboxtest.Open(b, redistest.Start(b).Client(b), inbox.Options{})
	var events []*event.Event
	for i := range b.N {
		e := numberedEvent(int64(i))
		e.OrderingKey = strconv.Itoa(i)
		if events = append(events, e); len(events) == 1000 {
			accept(b, in, events...)
			events = nil
		}
	}
	accept(b, in, events...)
	record := fmt.Appendf(nil, `{"id":"x","payload":%s}`, body)
	b.ReportAllocs()
	b.ResetTimer()
	work := make(chan *inbox.Lease)
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for c := range work {
				if _, err := in.Complete(b.Context(), c, record, 0); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for done := 0; done < b.N; {
		claimed, err := in.Claim(b.Context(), 0, parallel, 0)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range claimed.Leases {
			work <- c
		}
		done += len(claimed.Leases)
	}
	close(work)
	workers.Wait()
}

// BenchmarkDedupeWindow measures Redis's memory for one key when the dedupe window has this number of keys.
func BenchmarkDedupeWindow(b *testing.B) {
	for _, total := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", total), func(b *testing.B) {
			client := redistest.Start(b, "--appendonly", "no").Client(b)
			for b.Loop() {
				if err := client.Do(b.Context(), client.B().Flushall().Build()).Error(); err != nil {
					b.Fatal(err)
				}
				before, clock := usedMemory(b, client), newClock()
				in := inboxtest.Open(b, client, inbox.Options{Now: clock.now})
				fillWindow(b, in, clock, total)
				b.ReportMetric(float64(usedMemory(b, client)-before)/float64(total), "bytes/key")
			}
		})
	}
}

// usedMemory returns Redis's memory in bytes.
func usedMemory(b *testing.B, client rueidis.Client) (bytes int) {
	b.Helper()
	stats, err := client.Do(b.Context(), client.B().Info().Section("memory").Build()).ToString()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Sscanf(stats[bytesIndex(stats, "used_memory:"):], "used_memory:%d", &bytes); err != nil {
		b.Fatal(err)
	}
	return bytes
}

func bytesIndex(text, part string) int { return bytes.Index([]byte(text), []byte(part)) }
