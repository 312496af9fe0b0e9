// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"context"
	"crypto/tls"
	"net"
	"strings"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// log reads the whole event log, on a connection without faults.
func (r *redisServer) log(ctx context.Context) ([]eventlog.Entry, error) {
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{"redis:1"}, DisableCache: true, ForceSingleClient: true,
		DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) { return r.mini.Dial() },
	})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	entries := eventlog.Open(client, keyspace.New(namespace+"/"+sourceName, 1), eventlog.Limits{})
	var all []eventlog.Entry
	for query := (eventlog.Query{Limit: 1000}); ; {
		page, err := entries.List(ctx, query)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Entries...)
		if query.Cursor = page.Next; page.Next == "" {
			return all, nil
		}
	}
}

// leftoverKeys returns the keys that must not exist once every event is finished. All other keys are bounded: the event
// log, the dead letters, the dedupe window, and what is stored once for each source, shard or endpoint of Knock.
func (w *world) leftoverKeys() []string {
	space := keyspace.New(namespace+"/"+sourceName, 1)
	shard := space.Shard(0)
	bounded := map[string]bool{
		space.ShardCount(): true, space.EventTypes(): true, space.EventTypeIndex(): true, shard.Meta(): true,
		shard.Log(): true, shard.LogIndex(): true, shard.MinorLog(): true, shard.MinorLogIndex(): true,
		shard.DeadLetters(): true, shard.DeadLetterProgress(): true, shard.DeadLetterIndex(): true,
	}
	var left []string
	for _, key := range w.redis.mini.Keys() {
		if !bounded[key] && !strings.HasPrefix(key, shard.DedupeSets()) && !strings.HasPrefix(key, space.RateLimit("")) {
			left = append(left, key)
		}
	}
	if depth := w.redis.mini.HGet(shard.Meta(), "depth"); depth != "" && depth != "0" {
		left = append(left, shard.Meta()+" depth "+depth)
	}
	return left
}
