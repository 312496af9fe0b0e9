// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// settling is how long a process is idle before its memory is measured.
const settling = 5 * time.Second

// smallEvent is an event that no mapping matches.
const smallEvent = `{"type":"track","event":"x","messageId":"message-000000000000","userId":"user-000000000000"}`

// measureKeys measures how much memory Redis needs to remember the keys of finished events.
func measureKeys(ctx context.Context, b *bench) error {
	counts := []struct {
		id    string
		count int
	}{{"keys", 100_000}, {"keysLong", 10_000_000}}
	if !b.long {
		counts = counts[:1]
	}
	for _, c := range counts {
		err := b.withRig(ctx, func(r *rig) error {
			t, err := r.startIngest(ctx, source{name: "keys"})
			if err != nil {
				return err
			}
			if err := fill(ctx, t, smallEvent, fillSize, -defaultUsers, c.count); err != nil {
				return err
			}
			if _, err := r.awaitFinished(ctx, t); err != nil {
				return err
			}
			prefix, _, _ := strings.Cut(t.space.Shard(0).DedupeSet(0, ""), "0:")
			total, err := r.keyBytes(ctx, prefix)
			if err != nil || total == 0 {
				return fmt.Errorf("the keys %s* have %d bytes (%w)", prefix, total, err)
			}
			b.add(c.id, float64(total)/float64(c.count))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// measureMemory measures the resident memory of ingest processes.
func measureMemory(ctx context.Context, b *bench) error {
	return b.withRig(ctx, func(r *rig) error {
		for id, s := range map[string]source{
			"idle":           {name: "idle"},
			"manyMappings":   {name: "paths", mappings: 10_000},
			"manyConditions": {name: "conditions", mappings: 10_000, condition: "body.properties.total * 2 > 100"},
		} {
			resident, err := r.idleMemory(ctx, s)
			if err != nil {
				return err
			}
			b.add(id, resident)
		}
		return r.measureLargeBodies(ctx)
	})
}

// idleMemory returns the resident memory, in MiB, of an ingest process that has loaded its configuration.
func (r *rig) idleMemory(ctx context.Context, s source) (float64, error) {
	t, err := r.startIngest(ctx, s)
	if err != nil {
		return 0, err
	}
	defer t.process.kill()
	wait(ctx, settling)
	return t.process.memory("VmRSS")
}

// measureLargeBodies sends one large event on each connection, all at the same time, and waits until all of them are
// delivered.
func (r *rig) measureLargeBodies(ctx context.Context) error {
	t, err := r.startIngest(ctx, source{name: "large"})
	if err != nil {
		return err
	}
	const size = 4_000_000
	body := strings.ReplaceAll(event, "EVENT", mappedEvent)
	body = strings.Replace(body, `"revenue"`, `"text":"`+strings.Repeat("x", size-len(body))+`","revenue"`, 1)
	if err := fill(ctx, t, body, 1, -connections, connections); err != nil {
		return err
	}
	if _, err := r.awaitFinished(ctx, t); err != nil {
		return err
	}
	highest, err := t.process.memory("VmHWM")
	r.add("largeBodies", highest)
	return err
}
