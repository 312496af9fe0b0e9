// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"strings"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// LeftoverKeys returns those of the keys in Redis that must not exist once every event is finished. All other keys are
// bounded: the event log, the dead letters, the dedupe window, and what is stored once for each source, shard or endpoint
// of Knock.
func LeftoverKeys(space keyspace.Space, keys []string) []string {
	bounded := map[string]bool{space.ShardCount(): true, space.EventTypes(): true, space.EventTypeIndex(): true}
	prefixes := []string{space.RateLimit("")}
	for i := range space.Shards() {
		shard := space.Shard(i)
		for _, key := range []string{
			shard.Meta(), shard.Log(), shard.LogIndex(), shard.MinorLog(), shard.MinorLogIndex(),
			shard.DeadLetters(), shard.DeadLetterProgress(), shard.DeadLetterIndex(),
		} {
			bounded[key] = true
		}
		prefixes = append(prefixes, shard.DedupeSets())
	}
	var left []string
	for _, key := range keys {
		if !bounded[key] && !hasAnyPrefix(key, prefixes) {
			left = append(left, key)
		}
	}
	return left
}

func hasAnyPrefix(text string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}
