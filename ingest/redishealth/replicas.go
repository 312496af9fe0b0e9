// SPDX-License-Identifier: Apache-2.0

package redishealth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/redis/rueidis"
)

// replicaProblem returns why a Redis server that holds data cannot confirm that so many replicas have an event on disk,
// or "" if every server can. Without a confirmation, Doorbell accepts no event. If minReplicas is 0, Doorbell needs no
// confirmation.
func replicaProblem(ctx context.Context, client rueidis.Client, minReplicas int) string {
	if minReplicas == 0 {
		return ""
	}
	nodes := client.Nodes()
	for _, address := range slices.Sorted(maps.Keys(nodes)) {
		node := nodes[address]
		info, err := readServerInfo(ctx, node)
		if err != nil || info["role"] == "slave" { // another server holds the data then
			continue
		}
		if problem := serverReplicaProblem(ctx, node, info, minReplicas); problem != "" {
			return address + " " + problem
		}
	}
	return ""
}

func serverReplicaProblem(ctx context.Context, node rueidis.Client, info serverInfo, minReplicas int) string {
	if info["aof_enabled"] != "1" {
		return "has no append-only file, which redis.external.minReplicas requires: set appendonly yes"
	}
	wait := node.B().Waitaof().Numlocal(0).Numreplicas(0).Timeout(1).Build() // returns at once
	if err := node.Do(ctx, wait).Error(); err != nil {
		return fmt.Sprintf("cannot execute WAITAOF, which redis.external.minReplicas requires (Redis 7.2 or newer, or Valkey): %v", err)
	}
	if connected, _ := strconv.Atoi(info["connected_slaves"]); connected < minReplicas {
		return fmt.Sprintf("has %d connected replicas, fewer than redis.external.minReplicas, which is %d", connected, minReplicas)
	}
	return ""
}
