// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// DeadLetterLimits limit the dead letters of a source. When Doorbell adds a dead letter, and once a minute, it deletes
// the oldest ones that exceed a limit, and counts them. When Redis is out of memory, Doorbell also deletes dead letters
// before it rejects events. A further limit, a quarter of Redis's maxmemory, applies to the size of all dead letters
// together.
type DeadLetterLimits struct {
	// MaxEvents is the maximum number of dead letters, split evenly over the shards; 0 means 10,000.
	MaxEvents int
	// Retention is how long Doorbell keeps a dead letter; 0 means 30 days. A dead letter may stay up to a minute longer,
	// until the next sweep.
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

// deadLetterArguments returns the limits of one shard as arguments of scripts.
func (b *Inbox) deadLetterArguments() []string {
	limits := b.limits.Load().DeadLetters.orDefault()
	return []string{
		strconv.FormatInt(b.shardShare(int64(limits.MaxEvents)), 10), strconv.FormatInt(limits.Retention.Milliseconds(), 10),
		strconv.FormatInt(b.shardShare(b.maxDeadLetterBytes), 10),
	}
}

// quarterOfMemory returns a quarter of Redis's maxmemory in bytes; 0 if Redis has no memory limit. In a Redis Cluster
// it uses the limit of one node, so that the dead letters of all shards fit even if one node stores every shard.
func quarterOfMemory(ctx context.Context, client rueidis.Client) (int64, error) {
	info, err := client.Do(ctx, client.B().Info().Section("memory").Build()).ToString()
	if _, refused := rueidis.IsRedisErr(err); refused { // the embedded Redis of "doorbell dev" has no memory section
		return 0, nil
	}
	if err != nil {
		return 0, failure("open", err)
	}
	_, rest, _ := strings.Cut(info, "maxmemory:")
	number, _, _ := strings.Cut(rest, "\r\n")
	limit, _ := strconv.ParseInt(number, 10, 64) // 0 if the reply does not contain the limit
	return limit / 4, nil
}
