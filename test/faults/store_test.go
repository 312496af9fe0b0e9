// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/test/checker"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// nodes is the number of masters of a Redis Cluster, and shards the number of shards that the processes use in it.
const (
	nodes  = 3
	shards = 16
)

// store is the Redis of a schedule.
type store struct {
	world    *world
	servers  []*redistest.Server // the server; the master and its replica; or the nodes of the cluster
	master   int                 // the position of the master in servers; used with Sentinel only
	sentinel *redistest.Server
}

func newStore(w *world) *store {
	w.t.Helper()
	s := &store{world: w}
	switch w.plan.mode {
	case sentinel:
		master, replicas := redistest.StartReplicated(w.t, 1)
		s.servers = append([]*redistest.Server{master}, replicas...)
		s.sentinel = redistest.StartSentinel(w.t, master, "")
		s.awaitSentinel(func(info map[string]string) bool { return info["num-slaves"] == "1" })
	case cluster:
		s.servers = redistest.StartCluster(w.t, nodes, "--cluster-node-timeout", "2000")
	default:
		s.servers = []*redistest.Server{redistest.Start(w.t)}
	}
	return s
}

// flags returns the flags of the ingest program for this Redis.
func (s *store) flags() []string {
	address := s.servers[0].Addr
	flags := []string{"--redis-mode", s.world.plan.mode}
	if s.sentinel != nil {
		address = s.sentinel.Addr
		flags = append(flags, "--redis-master", redistest.MasterName, "--redis-min-replicas", strconv.Itoa(s.world.plan.minReplicas))
	}
	return append(flags, "--redis-address", address)
}

// shards returns the number of shards of the inbox.
func (s *store) space() keyspace.Space {
	if s.world.plan.mode == cluster {
		return keyspace.New(checker.Namespace+"/"+checker.Source, shards)
	}
	return keyspace.New(checker.Namespace+"/"+checker.Source, 1)
}

// masters returns the servers that hold data.
func (s *store) masters() []*redistest.Server {
	if s.sentinel != nil {
		return s.servers[s.master : s.master+1]
	}
	return s.servers
}

// leftoverKeys returns the keys that must be gone once all events are finished. It retries while Redis cannot be read.
func (s *store) leftoverKeys() []string {
	var keys []string
	for _, server := range s.masters() {
		all, err := s.read(server)
		if err != nil {
			return []string{err.Error()}
		}
		keys = append(keys, all...)
	}
	return checker.LeftoverKeys(s.space(), keys)
}

// read returns the keys of a server, and a text for each shard that has unfinished events.
func (s *store) read(server *redistest.Server) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	keys, err := client.Do(ctx, client.B().Keys().Pattern("*").Build()).AsStrSlice()
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if !strings.HasSuffix(key, "meta") {
			continue
		}
		depth, err := client.Do(ctx, client.B().Hget().Key(key).Field("depth").Build()).ToString()
		if err != nil && !rueidis.IsRedisNil(err) {
			return nil, err
		}
		if depth != "" && depth != "0" {
			keys = append(keys, key+" depth "+depth)
		}
	}
	return keys, nil
}

// awaitDrained waits until every event is finished, at most for patience.
func (s *store) awaitDrained() {
	for end := time.Now().Add(patience); time.Now().Before(end) && len(s.leftoverKeys()) > 0; {
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(500 * time.Millisecond) // a call that should not be made would be made now
	s.world.history.add("redis   is drained: %v", s.leftoverKeys())
}

// log reads the whole event log.
func (s *store) log() []eventlog.Entry {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{s.masters()[0].Addr}, DisableCache: true, ForceSingleClient: s.world.plan.mode != cluster,
	})
	if err != nil {
		s.world.t.Fatal(err)
	}
	defer client.Close()
	log := eventlog.Open(client, s.space(), eventlog.Limits{})
	var all []eventlog.Entry
	for query := (eventlog.Query{Limit: 1000}); ; {
		page, err := log.List(ctx, query)
		if err != nil {
			s.world.t.Fatal(err)
		}
		all = append(all, page.Entries...)
		if query.Cursor = page.Next; page.Next == "" {
			return all
		}
	}
}
