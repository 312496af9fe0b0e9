// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// reachEvery is how often Redis is tried, and durableEvery how often it is asked what it keeps.
	reachEvery   = 2 * time.Second
	durableEvery = time.Minute
	// reachFor bounds one such question.
	reachFor = 3 * time.Second
)

// vigil is the watch over Redis, for the report.
type vigil struct {
	last atomic.Pointer[report.Redis]
}

func (v *vigil) report() report.Redis {
	if last := v.last.Load(); last != nil {
		return *last
	}
	return report.Redis{State: report.RedisConnecting}
}

// keep tries Redis until ctx ends. reach tells whether a client gets through to the data.
func (v *vigil) keep(
	ctx context.Context, redis *connection, reach func(context.Context, rueidis.Client) error, log logr.Logger,
) {
	ticker := time.NewTicker(reachEvery)
	defer ticker.Stop()
	for look := 0; ; look++ {
		before := v.report()
		now := v.look(ctx, redis, reach, before, look%int(durableEvery/reachEvery) == 0)
		if ctx.Err() != nil {
			return
		}
		v.last.Store(&now)
		tell(log, before, now)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look asks about durability when it is due, and when Redis was away: it may be another.
func (v *vigil) look(
	ctx context.Context, redis *connection, reach func(context.Context, rueidis.Client) error, before report.Redis, due bool,
) report.Redis {
	ctx, cancel := context.WithTimeout(ctx, reachFor)
	defer cancel()
	client, err := redis.get(ctx)
	if err == nil {
		err = reach(ctx, client)
	}
	switch {
	case err != nil:
		return report.Redis{State: report.RedisUnavailable, Problem: err.Error()}
	case !due && before.State == report.RedisConnected:
		return before
	}
	problem := durability(ctx, client)
	return report.Redis{State: report.RedisConnected, Durable: problem == "", Problem: problem}
}

// tell logs what has changed.
func tell(log logr.Logger, before, now report.Redis) {
	switch {
	case now.State == report.RedisUnavailable && before.State != report.RedisUnavailable:
		log.Info("Redis is away; events are answered 429 until it is there", "problem", now.Problem)
	case now.State == report.RedisConnected && before.State == report.RedisUnavailable:
		log.Info("Redis is there")
	}
	if now.State == report.RedisConnected && now.Problem != "" && now.Problem != before.Problem {
		log.Info("Redis may lose events that were answered 200", "problem", now.Problem)
	}
}

// reach makes a call that goes to every server that holds events of the sources; before there is a source, to any server.
func (s *Server) reach(ctx context.Context, client rueidis.Client) error {
	reached := false
	for _, source := range s.current() {
		if open := source.opened.Load(); open != nil {
			if _, err := open.inbox.Depth(ctx); err != nil {
				return err
			}
			reached = true
		}
	}
	if reached {
		return nil
	}
	return client.Do(ctx, client.B().Ping().Build()).Error()
}
