// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

// BenchmarkDedupeWindow measures Redis's memory for one key in the dedupe window when the window has ten million keys.
// To save time it fills only one in 64 dedupe sets, with as many keys as each would have in that window.
func BenchmarkDedupeWindow(b *testing.B) {
	const total, part = 10_000_000, 64
	client := redistest.Start(b, "--appendonly", "no").Client(b)
	for b.Loop() {
		in := inboxtest.Open(b, client, inbox.Options{})
		if err := client.Do(b.Context(), client.B().Flushall().Build()).Error(); err != nil {
			b.Fatal(err)
		}
		before := usedMemory(b, client)
		n, sets := fillDedupeSets(b, client, in, total, part)
		b.ReportMetric(float64(usedMemory(b, client)-before)/float64(n), "bytes/key")
		b.ReportMetric(float64(n)/float64(sets), "keys/set")
	}
}

// fillDedupeSets makes total keys and stores those that belong to a sample of the dedupe sets, one set in part, in the
// format of dedupe.lua. It returns the number of stored keys and of sets.
func fillDedupeSets(b *testing.B, client rueidis.Client, in *inbox.Inbox, total, part int) (n, count int) {
	length := bucket.Milliseconds()
	now := time.Now().UnixMilli() / length
	sets := map[string][]string{}
	for i := range total {
		fingerprint := in.Space().Fingerprint("track/Order Completed", strconv.Itoa(i))
		if number, _ := strconv.ParseUint(fingerprint.Set, 36, 64); number%uint64(part) != 0 {
			continue
		}
		set := in.Space().Shard(0).DedupeSet(length, fingerprint.Set)
		sets[set] = append(sets[set], fmt.Sprintf("%s%03d", fingerprint.Member, (now-int64(i%9))%1000))
		n++
	}
	for set, members := range sets {
		for _, command := range []rueidis.Completed{
			client.B().Sadd().Key(set).Member(strconv.FormatInt(-now, 10)).Build(),
			client.B().Pexpire().Key(set).Milliseconds(length * 10).Build(),
			client.B().Sadd().Key(set).Member(members...).Build(),
		} {
			if err := client.Do(b.Context(), command).Error(); err != nil {
				b.Fatal(err)
			}
		}
	}
	return n, len(sets)
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
