// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// startRedis starts a Redis that syncs every write to disk before it responds, as the managed Redis does. It never
// rewrites its append-only file, because a rewrite would slow down the program that is measured at that moment.
func (r *rig) startRedis(ctx context.Context) (err error) {
	if r.redisAddr, err = freeAddress(ctx); err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(r.redisAddr)
	program := os.Getenv("REDIS_SERVER")
	if program == "" {
		program = "redis-server"
	}
	r.redis, err = r.start(ctx, nil, program, "--bind", host, "--port", port, "--dir", r.directory, "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0", "--maxmemory-policy", "noeviction")
	if err != nil {
		return err
	}
	return r.await(ctx, "Redis", func() (err error) {
		r.client, err = rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{r.redisAddr}, DisableCache: true})
		return err
	})
}

// usage is what the measured programs have used so far.
type usage struct {
	commands, scripts, reads, diskBytes int64
	process, redis                      time.Duration
}

// usage reads the counters of Redis, and the CPU time of Redis and of another process.
func (r *rig) usage(ctx context.Context, of *process) (u usage, err error) {
	text, err := r.client.Do(ctx, r.client.B().Info().Section("everything").Build()).ToString()
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "total_commands_processed": // includes the commands that scripts call
			u.commands, err = strconv.ParseInt(value, 10, 64)
		case "total_reads_processed": // reads from sockets; commands that arrive together are one read
			u.reads, err = strconv.ParseInt(value, 10, 64)
		case "cmdstat_evalsha":
			count, _, _ := strings.Cut(strings.TrimPrefix(value, "calls="), ",")
			u.scripts, err = strconv.ParseInt(count, 10, 64)
		case "aof_current_size":
			u.diskBytes, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return u, err
		}
	}
	if u.process, err = of.processorTime(); err != nil {
		return u, err
	}
	u.redis, err = r.redis.processorTime()
	return u, err
}

// keyBytes returns the memory of all keys whose names begin with the prefix, as MEMORY USAGE reports it.
func (r *rig) keyBytes(ctx context.Context, prefix string) (total int64, err error) {
	for cursor := uint64(0); ; {
		scan := r.client.B().Scan().Cursor(cursor).Match(escapePattern(prefix) + "*").Count(10_000).Build()
		page, err := r.client.Do(ctx, scan).AsScanEntry()
		if err != nil {
			return 0, err
		}
		commands := make(rueidis.Commands, len(page.Elements))
		for i, key := range page.Elements {
			commands[i] = r.client.B().MemoryUsage().Key(key).Build()
		}
		for _, reply := range r.client.DoMulti(ctx, commands...) {
			size, err := reply.AsInt64()
			if err != nil {
				return 0, fmt.Errorf("MEMORY USAGE: %w", err)
			}
			total += size
		}
		if cursor = page.Cursor; cursor == 0 {
			return total, nil
		}
	}
}

// escapePattern returns a pattern of SCAN that matches exactly the text.
func escapePattern(text string) string {
	var pattern bytes.Buffer
	for _, char := range []byte(text) {
		if strings.IndexByte(`\*?[]`, char) >= 0 {
			pattern.WriteByte('\\')
		}
		pattern.WriteByte(char)
	}
	return pattern.String()
}
