// SPDX-License-Identifier: Apache-2.0

// Package bench_test measures the whole way of an event against a floor: the least that a receiver can do which neither
// loses nor repeats an event.
package bench_test

import (
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
)

// connections are the senders'.
const connections = 64

// BenchmarkWhole tells requests a second, and how many times the floor's that is. All senders, the process, Redis and
// Knock share this machine, so only the ratios mean something.
//
//   - floor: net/http, the body parsed, one SET NX, each answer after Redis has it on disk;
//   - accept: the data plane, until the answer; deliveries are suspended;
//   - end-to-end: the data plane, until every event has been told to Knock and is finished.
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
				floor = rate // of the longest run, which is the last
			}
			b.ReportMetric(0, "ns/op") // of 64 at once: it says nothing
			b.ReportMetric(rate, "req/s")
			if floor > 0 {
				b.ReportMetric(rate/floor, "x-floor")
			}
		})
		target.stop()
	}
}

// target is what takes requests.
type target struct {
	addr, path string
	// finished returns when n more events are.
	finished func(n int)
	stop     func()
}

// measure has all senders post b.N events and returns how many a second were posted and finished.
func (t target) measure(b *testing.B) float64 {
	b.Helper()
	senders := make([]*sender, connections)
	for i := range senders {
		senders[i] = dial(b, t)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	var group errgroup.Group
	b.ResetTimer()
	for _, s := range senders {
		group.Go(func() error {
			for left.Add(-1) >= 0 {
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
