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
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// parallel is how many senders wait at once on each processor.
const parallel = 64

// body is as long as a RudderStack event.
var body = append(append([]byte(`{"a":"`), bytes.Repeat([]byte("x"), 1100)...), `"}`...)

func numbered(i int64) *event.Event {
	n := strconv.FormatInt(i, 10)
	return &event.Event{
		ID: "0198c1a0-0000-7000-8000-" + fmt.Sprintf("%012d", i), Type: "track/Order Completed",
		Key: "0a7d3cfa-" + n, OrderingKey: "user " + strconv.FormatInt(i%100_000, 10), Body: body,
	}
}

// BenchmarkAccept compares with the floor: one SET NX a request.
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
			in := open(b, redistest.Start(b).Client(b), inbox.Options{Shards: shards})
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(parallel)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := in.Accept(b.Context(), []*event.Event{numbered(next.Add(1))}); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkFinish claims and completes, 64 lanes a claim.
func BenchmarkFinish(b *testing.B) {
	in := open(b, redistest.Start(b).Client(b), inbox.Options{})
	var events []*event.Event
	for i := range b.N {
		e := numbered(int64(i))
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
	work := make(chan *inbox.Claim)
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			for c := range work {
				if err := in.Complete(b.Context(), c, record); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for done := 0; done < b.N; {
		claimed, err := in.Claim(b.Context(), 0, parallel)
		if err != nil {
			b.Fatal(err)
		}
		for _, c := range claimed.Claims {
			work <- c
		}
		done += len(claimed.Claims)
	}
	close(work)
	workers.Wait()
}

// BenchmarkRemembered measures what Redis needs for a finished event's key when there are ten million: it fills a part of the buckets
// as full.
func BenchmarkRemembered(b *testing.B) {
	const total, part = 10_000_000, 64 // of all buckets
	client := redistest.Start(b, "--appendonly", "no").Client(b)
	for b.Loop() {
		in := open(b, client, inbox.Options{})
		if err := client.Do(b.Context(), client.B().Flushall().Build()).Error(); err != nil {
			b.Fatal(err)
		}
		before := usedMemory(b, client)
		n, sets := remember(b, client, in, total, part)
		b.ReportMetric(float64(usedMemory(b, client)-before)/float64(n), "bytes/key")
		b.ReportMetric(float64(n)/float64(sets), "keys/set")
	}
}

// remember adds the keys that fall into one in part of the buckets, as complete.lua writes them.
func remember(b *testing.B, client rueidis.Client, in *inbox.Inbox, total, part int) (n, count int) {
	slice := (window / 8).Milliseconds()
	now := time.Now().UnixMilli() / slice
	sets := map[string][]string{}
	for i := range total {
		fingerprint := in.Space().Fingerprint("track/Order Completed", strconv.Itoa(i))
		if bucket, _ := strconv.ParseUint(fingerprint.Bucket, 36, 64); bucket%uint64(part) != 0 {
			continue
		}
		set := in.Space().Shard(0).Remembered(slice, fingerprint.Bucket)
		sets[set] = append(sets[set], fmt.Sprintf("%s%03d", fingerprint.Member, (now-int64(i%9))%1000))
		n++
	}
	for set, members := range sets {
		for _, command := range []rueidis.Completed{
			client.B().Sadd().Key(set).Member(strconv.FormatInt(-now, 10)).Build(),
			client.B().Pexpire().Key(set).Milliseconds(slice * 10).Build(),
			client.B().Sadd().Key(set).Member(members...).Build(),
		} {
			if err := client.Do(b.Context(), command).Error(); err != nil {
				b.Fatal(err)
			}
		}
	}
	return n, len(sets)
}

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
