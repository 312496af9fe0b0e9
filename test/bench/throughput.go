// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// contender is a target with the events that are sent to it.
type contender struct {
	*target

	event     string
	users     int64
	endToEnd  bool // the measurement includes the delivery of every event
	delivered bool // Knock receives one call an event
}

// measurement is the result of one round of a contender.
type measurement struct {
	rate float64 // events a second
	p99  float64 // of the responses, in seconds
	sent int
	used usage
}

// processorTime returns the CPU time of the target and of Redis for each event, in microseconds.
func (m measurement) processorTime() float64 {
	return float64((m.used.process + m.used.redis).Microseconds()) / float64(m.sent)
}

// measureThroughput compares the rates of the floor, Doorbell and Bento, which take turns on one Redis. Each connection
// sends its next event as soon as the response arrives.
func measureThroughput(ctx context.Context, b *bench) error {
	return b.withRig(ctx, func(r *rig) error {
		contenders, err := r.startContenders(ctx)
		if err != nil {
			return err
		}
		for _, c := range contenders {
			if _, err := r.measure(ctx, c, b.duration/2); err != nil { // warms up caches and connections
				return err
			}
		}
		for round := range b.rounds {
			if err := r.compare(ctx, contenders, round); err != nil {
				return err
			}
		}
		return nil
	})
}

// startContenders starts all programs that measureThroughput compares.
func (r *rig) startContenders(ctx context.Context) ([]contender, error) {
	floor, err := r.startFloor(ctx)
	if err != nil {
		return nil, err
	}
	suspended, err := r.startIngest(ctx, source{name: "accept", suspend: true})
	if err != nil {
		return nil, err
	}
	delivering, err := r.startIngest(ctx, source{name: "end-to-end"})
	if err != nil {
		return nil, err
	}
	contenders := []contender{
		{target: floor, event: mappedEvent},
		{target: suspended, event: mappedEvent},
		{target: delivering, event: unmappedEvent, endToEnd: true},
		{target: delivering, event: mappedEvent, endToEnd: true, delivered: true},
	}
	if r.bento != "" {
		bento, err := r.startBento(ctx)
		if err != nil {
			return nil, err
		}
		contenders = append(contenders, contender{target: bento, event: mappedEvent, delivered: true})
	}
	return contenders, nil
}

// compare measures every contender once. The order alternates, so that a machine that becomes slower does not favour
// one of them.
func (r *rig) compare(ctx context.Context, contenders []contender, round int) error {
	order := make([]int, len(contenders))
	for i := range order {
		order[i] = i
	}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	results := make([]measurement, len(contenders))
	for _, i := range order {
		var err error
		if results[i], err = r.measure(ctx, contenders[i], r.duration); err != nil {
			return err
		}
	}
	floor, accept, unmapped, endToEnd := results[0], results[1], results[2], results[3]
	r.add("floorRate", floor.rate)
	r.add("acceptRate", accept.rate)
	r.add("endToEndRate", endToEnd.rate)
	r.add("accept", accept.rate/floor.rate)
	r.add("acceptFull", accept.p99/floor.p99)
	r.add("unmapped", unmapped.rate/accept.rate)
	r.add("endToEnd", endToEnd.rate/floor.rate)
	r.add("floorTime", floor.processorTime())
	r.add("acceptTime", accept.processorTime())
	r.addUsage(endToEnd)
	if len(results) > 4 {
		r.add("bento", endToEnd.rate/results[4].rate)
		r.add("bentoRate", results[4].rate)
	}
	return nil
}

// addUsage adds what the ingest process and Redis used for each event.
func (r *rig) addUsage(m measurement) {
	events := float64(m.sent)
	r.add("commands", float64(m.used.commands)/events)
	r.add("scripts", float64(m.used.scripts)/events)
	r.add("roundTrips", float64(m.used.reads)/events)
	r.add("diskBytes", float64(m.used.diskBytes)/events)
	r.add("ingestTime", float64(m.used.process.Microseconds())/events)
	r.add("redisTime", float64(m.used.redis.Microseconds())/events)
}

// measure sends events to the contender and returns how many it handled a second. If endToEnd is set, the time ends
// when the last event is finished: Knock has received its call, and the event log contains it.
func (r *rig) measure(ctx context.Context, c contender, duration time.Duration) (m measurement, err error) {
	calls := r.knock.calls.Load()
	r.knock.takeLatencies()
	before, err := r.usage(ctx, c.process)
	if err != nil {
		return m, err
	}
	result, err := send(ctx, c.target, load{event: c.event, users: c.users, duration: duration})
	if err != nil {
		return m, err
	}
	asked := int64(0)
	if c.endToEnd {
		if asked, err = r.awaitFinished(ctx, c.target); err != nil {
			return m, err
		}
	}
	elapsed := time.Since(result.began)
	after, err := r.usage(ctx, c.process)
	if err != nil {
		return m, err
	}
	if made := r.knock.calls.Load() - calls; c.delivered && made < int64(result.sent) {
		return m, fmt.Errorf("%s: %d of %d calls reached Knock", c.name, made, result.sent)
	}
	return measurement{
		rate: float64(result.sent) / elapsed.Seconds(), p99: percentile(result.latencies, 0.99), sent: result.sent,
		used: usage{
			commands: after.commands - before.commands - asked - 1, reads: after.reads - before.reads - asked - 1,
			scripts: after.scripts - before.scripts, diskBytes: after.diskBytes - before.diskBytes,
			process: after.process - before.process, redis: after.redis - before.redis,
		},
	}, nil
}

// measureHalfLoad compares the p99 of the floor's and Doorbell's responses at half of the floor's highest rate.
func measureHalfLoad(ctx context.Context, b *bench) error {
	return b.withRig(ctx, func(r *rig) error {
		floor, err := r.startFloor(ctx)
		if err != nil {
			return err
		}
		suspended, err := r.startIngest(ctx, source{name: "accept", suspend: true})
		if err != nil {
			return err
		}
		half := load{event: mappedEvent, duration: b.duration, rate: b.median("floorRate") / 2}
		for range b.rounds {
			var p99 [2]float64
			for i, t := range []*target{floor, suspended} {
				result, err := send(ctx, t, half)
				if err != nil {
					return err
				}
				p99[i] = percentile(result.latencies, 0.99)
			}
			b.add("acceptHalf", p99[1]/p99[0])
		}
		return nil
	})
}
