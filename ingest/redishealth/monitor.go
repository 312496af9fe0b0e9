// SPDX-License-Identifier: Apache-2.0

package redishealth

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// checkEvery is the time between two health checks, and durabilityEvery between two checks of the settings of
	// Redis.
	checkEvery      = 2 * time.Second
	durabilityEvery = time.Minute
	// checkTimeout bounds one health check.
	checkTimeout = 3 * time.Second
)

// Options are what a Monitor needs. All fields but MinReplicas and CheckDurability are required.
type Options struct {
	Connection *Connection
	// Check returns an error if events cannot be stored with this client.
	Check func(context.Context, rueidis.Client) error
	// MinReplicas is the number of replicas that must have an event on disk before it is accepted. Redis counts as
	// unavailable while it cannot confirm that. Only used with CheckDurability.
	MinReplicas int
	// CheckDurability also asks Redis for the settings that decide whether it can lose an event that Doorbell has
	// accepted.
	CheckDurability bool
	Log             logr.Logger
}

// Monitor checks the health of Redis periodically. It is the only place that logs when Redis becomes unavailable, and
// when it is available again.
type Monitor struct {
	options Options
	latest  atomic.Pointer[report.Redis]
}

// NewMonitor returns a monitor that does nothing until Run.
func NewMonitor(options Options) *Monitor {
	m := &Monitor{options: options}
	m.latest.Store(&report.Redis{State: report.RedisConnecting})
	return m
}

// Report returns the result of the latest health check. It is safe for concurrent use.
func (m *Monitor) Report() report.Redis { return *m.latest.Load() }

// Run checks Redis at once and then every two seconds, until ctx ends.
func (m *Monitor) Run(ctx context.Context) {
	ticker := time.NewTicker(checkEvery)
	defer ticker.Stop()
	for count := 0; ; count++ {
		before := m.Report()
		now := m.check(ctx, before, count%int(durabilityEvery/checkEvery) == 0)
		if ctx.Err() != nil {
			return
		}
		m.latest.Store(&now)
		m.logChange(before, now)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// check asks Redis for its settings if that is due, and also after each reconnection, because another server may answer
// now.
func (m *Monitor) check(ctx context.Context, before report.Redis, durabilityDue bool) report.Redis {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	client, err := m.options.Connection.Client(ctx)
	if err == nil {
		err = m.options.Check(ctx, client)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return report.Redis{State: report.RedisUnavailable, Problem: fmt.Sprintf("no reply from Redis within %s", checkTimeout)}
	case err != nil:
		return report.Redis{State: report.RedisUnavailable, Problem: err.Error()}
	case !m.options.CheckDurability:
		return report.Redis{State: report.RedisConnected}
	}
	if problem := replicaProblem(ctx, client, m.options.MinReplicas); problem != "" {
		return report.Redis{State: report.RedisUnavailable, Problem: problem}
	}
	if !durabilityDue && before.State == report.RedisConnected {
		return before
	}
	problem := durabilityProblem(ctx, client)
	return report.Redis{State: report.RedisConnected, Durable: problem == "", Problem: problem}
}

func (m *Monitor) logChange(before, now report.Redis) {
	switch {
	case now.State == report.RedisUnavailable && before.State != report.RedisUnavailable:
		m.options.Log.Info("Redis is unavailable; senders get status 429 until it is available again", "problem", now.Problem)
	case now.State == report.RedisConnected && before.State == report.RedisUnavailable:
		m.options.Log.Info("Connected to Redis")
	}
	if now.State == report.RedisConnected && now.Problem != "" && now.Problem != before.Problem {
		m.options.Log.Info("Redis can lose accepted events", "problem", now.Problem)
	}
}
