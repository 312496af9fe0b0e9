// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// patience is the longest wait for a program.
const patience = 3 * time.Minute

// rig is one Redis, one Knock, and the programs that use them.
type rig struct {
	*bench

	directory string
	knock     *fakeKnock
	redis     *process
	redisAddr string
	client    rueidis.Client
	processes []*process
	stopKnock context.CancelFunc
}

// withRig starts a Redis and a Knock, calls use, and stops every process that use has started. If use fails, the error
// contains the end of their output.
func (b *bench) withRig(ctx context.Context, use func(*rig) error) (err error) {
	r := &rig{bench: b}
	if r.directory, err = os.MkdirTemp(b.directory, "rig-"); err != nil {
		return err
	}
	defer r.stop()
	knockContext, stop := context.WithCancel(ctx)
	r.stopKnock = stop
	if r.knock, err = startKnock(knockContext); err != nil {
		return err
	}
	err = r.startRedis(ctx)
	if err == nil {
		err = use(r)
	}
	if err != nil {
		for _, p := range r.processes {
			err = fmt.Errorf("%w\n%s: %s", err, filepath.Base(p.command.Path), p.lastOutput())
		}
	}
	return err
}

func (r *rig) stop() {
	if r.client != nil {
		r.client.Close()
	}
	for _, p := range r.processes {
		p.kill()
	}
	r.stopKnock()
	_ = os.RemoveAll(r.directory)
}

// await repeats attempt until it succeeds. It returns the last error when patience ends.
func (r *rig) await(ctx context.Context, what string, attempt func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := attempt()
		if err == nil {
			return nil
		}
		wait(ctx, 5*time.Millisecond)
		if ctx.Err() != nil {
			return fmt.Errorf("wait for %s: %w (%w)", what, err, ctx.Err())
		}
	}
}

// target is a running receiver.
type target struct {
	name, addr, path string
	process          *process
	space            *keyspace.Space // the keys of its source; nil if the target is not an ingest process
}

// startFloor starts the floor.
func (r *rig) startFloor(ctx context.Context) (*target, error) {
	return r.startTarget(ctx, "floor", "/production/floor/token", func(addr string) (*process, error) {
		return r.start(ctx, nil, r.self, floorCommand, addr, r.redisAddr)
	})
}

// startBento starts Bento.
func (r *rig) startBento(ctx context.Context) (*target, error) {
	return r.startTarget(ctx, "Bento", "/webhook", func(addr string) (*process, error) {
		environment := []string{"LISTEN=" + addr, "REDIS=" + r.redisAddr, "KNOCK_URL=http://" + r.knock.addr}
		return r.start(ctx, environment, r.bento, "-c", filepath.Join(r.bentoDirectory, "pipeline.yaml"))
	})
}

// startTarget starts a program that listens on the address, and waits until it has accepted and finished one event.
func (r *rig) startTarget(ctx context.Context, name, path string, start func(addr string) (*process, error)) (*target, error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	t := &target{name: name, addr: addr, path: path}
	if t.process, err = start(addr); err != nil {
		return nil, err
	}
	return t, r.await(ctx, name, func() error {
		s, err := dial(ctx, t, []byte(event), 1)
		if err != nil {
			return err
		}
		defer s.close()
		status, err := s.post(-defaultUsers, time.Now())
		if err == nil && status != "200" {
			err = fmt.Errorf("%s: response with status %s", name, status)
		}
		return err
	})
}

// awaitFinished waits until every accepted event of an ingest process is finished. It returns how often it has asked
// Redis.
func (r *rig) awaitFinished(ctx context.Context, t *target) (asked int64, err error) {
	if t.space == nil {
		return 0, nil
	}
	err = r.await(ctx, "deliveries of "+t.name, func() error {
		asked++
		depth, err := r.depth(ctx, t)
		if err == nil && depth > 0 {
			err = fmt.Errorf("%d events are not finished", depth)
		}
		return err
	})
	return asked, err
}

// depth returns the number of accepted events of an ingest process that are not finished.
func (r *rig) depth(ctx context.Context, t *target) (int64, error) {
	depth, err := r.client.Do(ctx, r.client.B().Hget().Key(t.space.Shard(0).Meta()).Field("depth").Build()).AsInt64()
	if rueidis.IsRedisNil(err) {
		return 0, nil
	}
	return depth, err
}
