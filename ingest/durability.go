// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// askRedisEvery is how often Redis is asked how it is.
	askRedisEvery = 5 * time.Second
	// askRedisFor bounds one such question.
	askRedisFor = 3 * time.Second
)

// redisHealth is what Redis last said of itself.
type redisHealth struct {
	mu   sync.Mutex
	last report.Redis
}

func (h *redisHealth) report() report.Redis {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.last.State == "" {
		return report.Redis{State: report.RedisConnecting}
	}
	return h.last
}

// watch asks until ctx ends.
func (h *redisHealth) watch(ctx context.Context, redis *connection, log logr.Logger) {
	ticker := time.NewTicker(askRedisEvery)
	defer ticker.Stop()
	for {
		before, now := h.report(), h.ask(ctx, redis)
		switch {
		case ctx.Err() != nil || before.State == now.State:
		case now.State == report.RedisUnavailable:
			log.Info("Redis is away; events are answered 429 until it is there", "problem", now.Problem)
		case before.State == report.RedisUnavailable:
			log.Info("Redis is there again")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (h *redisHealth) ask(ctx context.Context, redis *connection) report.Redis {
	ctx, cancel := context.WithTimeout(ctx, askRedisFor)
	defer cancel()
	said := report.Redis{State: report.RedisConnected}
	client, err := redis.get(ctx)
	if err == nil {
		said.Problem, err = durability(ctx, client)
	}
	if err != nil {
		said = report.Redis{State: report.RedisUnavailable, Problem: err.Error()}
	}
	said.Durable = err == nil && said.Problem == ""
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = said
	return said
}

// durability asks each server that holds data what it keeps of what it acknowledges; it returns what is amiss, "" for nothing.
func durability(ctx context.Context, client rueidis.Client) (problem string, err error) {
	for address, node := range client.Nodes() {
		info, err := node.Do(ctx, node.B().Info().Build()).ToString()
		if err != nil {
			return "", fmt.Errorf("%s: %w", address, err)
		}
		said := fields(info)
		if said["role"] == "slave" {
			continue
		}
		// A hosted Redis may refuse CONFIG; then INFO has to do.
		settings, err := node.Do(ctx, node.B().ConfigGet().Parameter("appendfsync", "maxmemory-policy").Build()).AsStrMap()
		if err != nil {
			settings = map[string]string{"maxmemory-policy": said["maxmemory_policy"]}
		}
		switch policy := settings["maxmemory-policy"]; {
		case said["aof_enabled"] == "0":
			return address + " keeps no append-only file and may lose events when it stops: set appendonly yes", nil
		case settings["appendfsync"] != "" && settings["appendfsync"] != "always":
			return fmt.Sprintf("%s has appendfsync %s and may lose the latest events: set appendfsync always", address, settings["appendfsync"]), nil
		case policy != "" && policy != "noeviction":
			return fmt.Sprintf("%s has maxmemory-policy %s and may throw events away: set noeviction", address, policy), nil
		case said["aof_enabled"] == "":
			return address + " does not tell whether it keeps an append-only file", nil
		}
	}
	return "", nil
}

// fields reads the lines NAME:VALUE of INFO.
func fields(info string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			found[name] = value
		}
	}
	return found
}
