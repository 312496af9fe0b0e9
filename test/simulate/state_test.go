// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"strings"
	"time"
)

// addState adds the state of Redis and of the processes to the history, to explain why events are not finished.
func (w *world) addState() {
	keys, mini := shard(), w.redis.mini
	meta := map[string]string{}
	for _, field := range []string{"time", "clock", "depth"} {
		meta[field] = mini.HGet(keys.Meta(), field)
	}
	clock := time.Now().Add(w.redis.clockOffset())
	w.history.add("state   Redis's clock shows %d ms (%v from the true time); meta: %v", clock.UnixMilli(), w.redis.clockOffset(), meta)
	due, err := mini.SortedSet(keys.Due())
	w.history.add("state   %d scheduled lanes: %v; error: %v", len(due), due, err)
	for lane, at := range due {
		events, _ := mini.List(keys.Lane(lane)) // no such list: no events
		w.history.add("state   lane %s: due at %.0f; fencing token %q; progress of %d bytes; first elements %.200q",
			lane, at, mini.HGet(keys.FencingTokens(), lane), progressSize(w, lane), events[:min(2, len(events))])
	}
	for _, s := range w.slots {
		if p := s.running(); p != nil {
			w.history.add("state   %s: %v", p.name, p.gauges())
		}
	}
}

func progressSize(w *world, lane string) int {
	stored, _ := w.redis.mini.Get(shard().Progress(lane)) // "" if the lane has no progress
	return len(stored)
}

// gauges returns the values of the gauges of the process, such as whether the source is paused.
func (p *process) gauges() map[string]float64 {
	families, err := p.registry.Gather()
	if err != nil {
		p.world.fail("%s: the metrics cannot be read: %v", p.name, err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if metric.GetGauge() != nil && strings.HasPrefix(family.GetName(), "doorbell_") {
				values[family.GetName()] += metric.GetGauge().GetValue()
			}
		}
	}
	return values
}
