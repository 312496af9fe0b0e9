// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
)

// growthRounds is the number of measurements of each growth figure.
const growthRounds = 3

// fillSize is the number of events in one request of fill.
const fillSize = 100

// measureGrowth compares Doorbell with few and with many mappings, users and waiting events.
func measureGrowth(ctx context.Context, b *bench) error {
	if err := b.withRig(ctx, func(r *rig) error { return r.measureMappingsAndUsers(ctx) }); err != nil {
		return err
	}
	waiting := map[string]int{"waiting": 100_000}
	if b.long {
		waiting["waitingLong"] = 1_000_000
	}
	for id, count := range waiting {
		if err := b.withRig(ctx, func(r *rig) error { return r.measureWaiting(ctx, id, count) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *rig) measureMappingsAndUsers(ctx context.Context) error {
	few, err := r.startIngest(ctx, source{name: "few-mappings", mappings: 10})
	if err != nil {
		return err
	}
	many, err := r.startIngest(ctx, source{name: "many-mappings", mappings: 10_000})
	if err != nil {
		return err
	}
	contenders := []contender{
		{target: few, users: 50_000}, {target: many, users: 50_000}, {target: few, users: 100}, {target: few, users: 1_000_000},
	}
	for round := range growthRounds + 1 {
		rates := make([]float64, len(contenders))
		for i, c := range contenders {
			c.event, c.endToEnd, c.delivered = mappedEvent, true, true
			m, err := r.measure(ctx, c, r.duration)
			if err != nil {
				return err
			}
			rates[i] = m.rate
		}
		if round > 0 { // the first one warms up
			r.add("mappings", rates[1]/rates[0])
			r.add("users", rates[3]/rates[2])
		}
	}
	return nil
}

// measureWaiting compares a source without waiting events with one that has many. Each round uses a new source without
// waiting events, because the measurement itself adds waiting events.
func (r *rig) measureWaiting(ctx context.Context, id string, count int) error {
	full, err := r.startIngest(ctx, source{name: "full", suspend: true})
	if err != nil {
		return err
	}
	if err := fill(ctx, full, strings.ReplaceAll(event, "EVENT", mappedEvent), fillSize, -1_000_000, count); err != nil {
		return err
	}
	if depth, err := r.depth(ctx, full); err != nil || depth < int64(count) {
		return fmt.Errorf("%d events are waiting; want %d (%w)", depth, count, err)
	}
	for round := range growthRounds {
		empty, err := r.startIngest(ctx, source{name: fmt.Sprintf("empty-%d", round), suspend: true})
		if err != nil {
			return err
		}
		var rates [2]float64
		for i, t := range []*target{empty, full} {
			c := contender{target: t, event: mappedEvent}
			if _, err := r.measure(ctx, c, r.duration/4); err != nil { // warms up caches and connections
				return err
			}
			m, err := r.measure(ctx, c, r.duration)
			if err != nil {
				return err
			}
			rates[i] = m.rate
		}
		empty.process.kill()
		r.add(id, rates[1]/rates[0])
	}
	return nil
}
