// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"math/rand/v2"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/test/checker"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// The faults of Redis.
var (
	killRedis = fault{"kill -9 of a Redis server", func(w *world, r *rand.Rand) {
		server := checker.Pick(r, w.redis.servers...)
		server.Kill()
		time.Sleep(checker.Between(r, 0, 2*time.Second))
		server.Start()
	}}
	hangRedis = fault{"a hanging Redis server", func(w *world, r *rand.Rand) {
		server := checker.Pick(r, w.redis.servers...)
		server.Pause()
		time.Sleep(checker.Between(r, time.Second, 7*time.Second))
		server.Resume()
	}}
	flushScripts = fault{"SCRIPT FLUSH", func(w *world, r *rand.Rand) {
		for range 5 {
			for _, server := range w.redis.masters() {
				_ = w.do(server, "SCRIPT", "FLUSH") // fails while a failover is not over yet
			}
			time.Sleep(checker.Between(r, 10*time.Millisecond, 200*time.Millisecond))
		}
	}}
	fillMemory = fault{"Redis out of memory", func(w *world, r *rand.Rand) {
		server := checker.Pick(r, w.redis.servers...)
		used := 0
		for line := range strings.Lines(w.do(server, "INFO", "memory")) {
			if number, found := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); found {
				used, _ = strconv.Atoi(number)
			}
		}
		w.do(server, "CONFIG", "SET", "maxmemory", strconv.Itoa(used-r.IntN(200_000)+100_000))
		time.Sleep(checker.Between(r, time.Second, 3*time.Second))
		w.do(server, "CONFIG", "SET", "maxmemory", "0")
	}}
	// With appendfsync always, Redis ends if it cannot write its file.
	fillDisk = fault{"a full disk", func(w *world, r *rand.Rand) {
		server := w.redis.servers[0]
		server.LimitFileSize(w.t, 4096*uint64(1+r.IntN(8)))
		exited := make(chan struct{})
		go func() {
			server.AwaitExit()
			close(exited)
		}()
		select {
		case <-exited:
			w.history.add("redis   ended because its disk is full")
		case <-time.After(20 * time.Second):
			w.t.Errorf("Redis did not end although its disk is full")
			server.Kill()
			<-exited
		}
		time.Sleep(checker.Between(r, 0, time.Second))
		server.Start()
	}}
	failover = fault{"a Sentinel failover", func(w *world, r *rand.Rand) { w.redis.failOver(r) }}
	reshard  = fault{"resharding", func(w *world, r *rand.Rand) { w.redis.reshard(r) }}
)

// ignoreFileSizeSignal makes this process and its children ignore SIGXFSZ, so that a write beyond the limit of
// LimitFileSize fails like a write to a full disk instead of killing the process.
func ignoreFileSizeSignal() { signal.Ignore(syscall.SIGXFSZ) }

// do runs a command on one server. It fails the test if there is no reply.
func (w *world) do(server *redistest.Server, command ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr}, DisableCache: true, ForceSingleClient: true})
	if err != nil {
		w.t.Errorf("%v: %v", command, err)
		return ""
	}
	defer client.Close()
	text, err := client.Do(ctx, client.B().Arbitrary(command...).Build()).ToString()
	if err != nil {
		w.t.Errorf("%v: %v", command, err)
	}
	return text
}

// failOver kills the master, waits until the sentinel has promoted the replica, and starts the old master as a replica
// of the new one.
func (s *store) failOver(r *rand.Rand) {
	w := s.world
	old, promoted := s.servers[s.master], s.servers[1-s.master]
	old.Kill()
	if w.failedOver.IsZero() {
		w.failedOver = time.Now()
	}
	w.history.add("redis   the master %s is killed", old.Addr)
	_, port, _ := strings.Cut(promoted.Addr, ":")
	s.awaitSentinel(func(info map[string]string) bool { return info["port"] == port })
	s.master = 1 - s.master
	w.history.add("redis   the new master is %s", promoted.Addr)
	time.Sleep(checker.Between(r, 0, time.Second))
	old.StartAsReplica(promoted)
	promoted.AwaitReplicas(w.t, 1)
	s.awaitSentinel(func(info map[string]string) bool { return info["flags"] == "master" && info["num-slaves"] == "1" })
}

// awaitSentinel waits until what the sentinel knows about the master satisfies holds.
func (s *store) awaitSentinel(holds func(map[string]string) bool) {
	w := s.world
	w.t.Helper()
	client := s.sentinel.Client(w.t)
	var info map[string]string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var err error
		info, err = client.Do(w.t.Context(), client.B().Arbitrary("SENTINEL", "MASTER", redistest.MasterName).Build()).AsStrMap()
		if err == nil && holds(info) {
			return
		}
	}
	w.t.Fatalf("the sentinel reports %v", info)
}

// reshard moves the slots of some shards to another node of the cluster.
func (s *store) reshard(r *rand.Rand) {
	for range 3 {
		shard := r.IntN(shards)
		from, slot := redistest.SlotOwner(s.world.t, s.servers, s.space().Shard(shard).Meta())
		to := (from + 1 + r.IntN(nodes-1)) % nodes
		s.world.history.add("redis   moves shard %d from node %d to node %d", shard, from, to)
		redistest.MoveSlot(s.world.t, s.servers, slot, from, to)
		time.Sleep(checker.Between(r, 0, 500*time.Millisecond))
	}
}
