// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// settling is how long a process is idle before its memory is measured.
const settling = 5 * time.Second

// smallEvent is an event that no mapping matches.
const smallEvent = `{"type":"track","event":"x","messageId":"message-000000000000","userId":"user-000000000000"}`

// measureKeys measures how much memory Redis needs to remember the keys of finished events.
func measureKeys(ctx context.Context, b *bench) error {
	err := b.withRig(ctx, func(r *rig) error {
		const count = 100_000
		t, err := r.startIngest(ctx, source{name: "keys"})
		if err != nil {
			return err
		}
		if err := fill(ctx, t, smallEvent, fillSize, -defaultUsers, count); err != nil {
			return err
		}
		if _, err := r.awaitFinished(ctx, t); err != nil {
			return err
		}
		return r.addKeyBytes(ctx, "keys", *t.space, count)
	})
	if err != nil || !b.long {
		return err
	}
	return errors.Join(
		b.withRig(ctx, func(r *rig) error { return r.measureManyKeys(ctx, "keysLong", 10_000_000) }),
		b.withRig(ctx, func(r *rig) error { return r.measureManyKeys(ctx, "keysLongest", 100_000_000) }),
	)
}

// measureManyKeys fills the dedupe window with the scripts of the inbox and without an ingest process, which would take
// hours. The keys are spread evenly over one day, with a clock that replaces that of Redis.
func (r *rig) measureManyKeys(ctx context.Context, id string, count int) error {
	off := r.client.B().ConfigSet().ParameterValue().ParameterValue("appendonly", "no").Build()
	if err := r.client.Do(ctx, off).Error(); err != nil {
		return err
	}
	began, window := time.UnixMilli(1_750_000_000_000), 24*time.Hour
	now := began
	box, err := inbox.Open(ctx, r.client, "bench/keys", inbox.Options{
		Limits: inbox.Limits{Window: window}, Now: func() time.Time { return now },
	})
	if err != nil {
		return err
	}
	duplicates, err := inboxtest.RememberKeys(ctx, box, 0, count, func(keys int) {
		now = began.Add(time.Duration(float64(window) * float64(keys) / float64(count)))
	})
	if err != nil || duplicates > 0 {
		return fmt.Errorf("%d of %d new keys are mistaken for duplicates (%w)", duplicates, count, err)
	}
	return r.addKeyBytes(ctx, id, box.Space(), count)
}

// addKeyBytes adds the memory of the dedupe window, in bytes a key.
func (r *rig) addKeyBytes(ctx context.Context, id string, space keyspace.Space, count int) error {
	prefix := space.Shard(0).DedupeSets()
	total, err := r.keyBytes(ctx, prefix)
	if err != nil || total == 0 {
		return fmt.Errorf("the keys %s* have %d bytes (%w)", prefix, total, err)
	}
	r.add(id, float64(total)/float64(count))
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
