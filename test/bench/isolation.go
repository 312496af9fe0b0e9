// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// busyWaiting is the number of waiting events of the busy user.
const busyWaiting = 10_000

// measureIsolation compares the latencies of three sources: one with a user whose calls Knock does not answer, one with
// a user who has many waiting events, and one with neither. A latency is the time from the sending of an event until
// Knock receives its call. Each source receives half of the events that Doorbell can handle.
func measureIsolation(ctx context.Context, b *bench) error {
	return b.withRig(ctx, func(r *rig) error {
		var targets []*target
		for _, name := range []string{"normal", "hanging", "busy"} {
			t, err := r.startIngest(ctx, source{name: name, timeout: 5 * time.Minute})
			if err != nil {
				return err
			}
			targets = append(targets, t)
		}
		body := strings.ReplaceAll(event, "EVENT", mappedEvent)
		if err := fill(ctx, targets[1], body, 1, hangingUser, 1); err != nil {
			return err
		}
		if err := fill(ctx, targets[2], body, fillSize, busyUser, busyWaiting); err != nil {
			return err
		}
		for round := range b.rounds + 1 {
			var medians, p99s [3]float64
			for i, t := range targets {
				latencies, err := r.deliveryLatencies(ctx, t)
				if err != nil {
					return err
				}
				medians[i], p99s[i] = percentile(latencies, 0.5), percentile(latencies, 0.99)
			}
			if round == 0 { // warms up caches and connections
				continue
			}
			b.add("hangingMedian", medians[1]/medians[0])
			b.add("hangingP99", p99s[1]/p99s[0])
			b.add("busyMedian", medians[2]/medians[0])
			b.add("busyP99", p99s[2]/p99s[0])
		}
		if depth, err := r.depth(ctx, targets[2]); err != nil || depth == 0 {
			return fmt.Errorf("the busy user has no waiting events at the end (%w)", err)
		}
		return nil
	})
}

// deliveryLatencies sends events to a target and returns their latencies when Knock has received all calls.
func (r *rig) deliveryLatencies(ctx context.Context, t *target) ([]time.Duration, error) {
	calls := r.knock.calls.Load()
	r.knock.takeLatencies()
	result, err := send(ctx, t, load{event: mappedEvent, duration: r.duration, rate: r.median("endToEndRate") / 2})
	if err != nil {
		return nil, err
	}
	err = r.await(ctx, "calls of "+t.name, func() error {
		if made := r.knock.calls.Load() - calls; made < int64(result.sent) {
			return fmt.Errorf("%d of %d calls reached Knock", made, result.sent)
		}
		return nil
	})
	return r.knock.takeLatencies(), err
}
