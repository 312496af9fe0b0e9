// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// DeadLetterLimits bound the dead letters of a source. At a limit Doorbell deletes the oldest dead letters and counts them. It also
// deletes them, before it rejects events, when Redis is out of memory. Together they use at most a quarter of Redis's maxmemory.
type DeadLetterLimits struct {
	// MaxEvents is the maximum number of dead letters, split evenly over the shards; 0 means 10,000.
	MaxEvents int
	// Retention is how long Doorbell keeps a dead letter; 0 means 30 days.
	Retention time.Duration
}

func (l DeadLetterLimits) orDefault() DeadLetterLimits {
	if l.MaxEvents == 0 {
		l.MaxEvents = 10_000
	}
	if l.Retention == 0 {
		l.Retention = 30 * 24 * time.Hour
	}
	return l
}

// quarterOfMemory returns a quarter of Redis's maxmemory in bytes; 0 if Redis has no such limit. In a Redis Cluster it is the limit
// of one node, so that all shards fit even if they are on one node.
func quarterOfMemory(ctx context.Context, client rueidis.Client) (int64, error) {
	info, err := client.Do(ctx, client.B().Info().Section("memory").Build()).ToString()
	if _, refused := rueidis.IsRedisErr(err); refused { // the Redis of doorbell dev has no such section
		return 0, nil
	}
	if err != nil {
		return 0, failure("open", err)
	}
	_, rest, _ := strings.Cut(info, "maxmemory:")
	number, _, _ := strings.Cut(rest, "\r\n")
	limit, _ := strconv.ParseInt(number, 10, 64) // 0 if the server does not say
	return limit / 4, nil
}
