// SPDX-License-Identifier: Apache-2.0

// Package bench_test measures the whole path of an event, from the request to the Knock call, and compares it with a floor: the
// simplest receiver that neither loses nor repeats an event.
package bench_test

import (
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// connections is the number of senders; each one uses one connection.
const connections = 64

// BenchmarkWhole reports requests per second, and this rate divided by the rate of the floor ("x-floor"). The senders, the data
// plane, Redis and Knock share one machine, so only the ratios of one run are meaningful.
//
//   - floor: net/http parses the body and sends one SET NX; it responds after Redis has written to disk;
//   - accept: the data plane until it responds; deliveries are suspended;
//   - end-to-end: the data plane until Knock has received the calls of every event and every event is finished.
func BenchmarkWhole(b *testing.B) {
	var floor float64
	for _, step := range []struct {
		name  string
		start func(*testing.B) target
	}{
		{"step=floor", startFloor},
		{"step=accept", startAccept},
		{"step=end-to-end", startEndToEnd},
	} {
		target := step.start(b)
		b.Run(step.name, func(b *testing.B) {
			rate := target.measure(b)
			if step.name == "step=floor" {
				floor = rate // the last run is the longest one, and its rate remains
			}
			b.ReportMetric(0, "ns/op") // hidden: with 64 senders at once it is not the time of a request
			b.ReportMetric(rate, "req/s")
			if floor > 0 {
				b.ReportMetric(rate/floor, "x-floor")
			}
		})
		target.stop()
	}
}

// target is a running receiver.
type target struct {
	addr, path string
	// finished waits until n more events are finished.
	finished func(n int)
	stop     func()
}

// measure posts b.N events with all senders, waits until they are finished, and returns the events per second.
func (t target) measure(b *testing.B) float64 {
	b.Helper()
	senders := make([]*sender, connections)
	for i := range senders {
		senders[i] = dial(b, t)
	}
	var remaining atomic.Int64
	remaining.Store(int64(b.N))
	var group errgroup.Group
	b.ResetTimer()
	for _, s := range senders {
		group.Go(func() error {
			for remaining.Add(-1) >= 0 {
				if err := s.post(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	t.finished(b.N)
	b.StopTimer()
	for _, s := range senders {
		s.close()
	}
	return float64(b.N) / b.Elapsed().Seconds()
}
