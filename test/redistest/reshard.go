// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/redis/rueidis"
)

// SlotOwner returns the position in the cluster of the node that serves the slot of a key, and the slot.
func SlotOwner(tb testing.TB, nodes []*Server, key string) (owner int, slot int64) {
	tb.Helper()
	for i, node := range nodes {
		client := node.singleClient(tb, "")
		slot, err := client.Do(tb.Context(), client.B().ClusterKeyslot().Key(key).Build()).AsInt64()
		if err != nil {
			tb.Fatalf("redistest: %v", err)
		}
		if err = client.Do(tb.Context(), client.B().Exists().Key(key).Build()).Error(); err == nil {
			return i, slot
		}
		if moved, is := rueidis.IsRedisErr(err); !is {
			tb.Fatalf("redistest: %v", err)
		} else if _, is := moved.IsMoved(); !is {
			tb.Fatalf("redistest: %v", err)
		}
	}
	tb.Fatalf("redistest: no node serves the slot of %s", key)
	return 0, 0
}

// MoveSlot moves a slot with its keys from one node of a cluster to another, key by key, as redis-cli --cluster reshard
// does. Meanwhile clients can use the slot.
func MoveSlot(tb testing.TB, nodes []*Server, slot int64, from, to int) {
	tb.Helper()
	source, target := nodes[from].singleClient(tb, ""), nodes[to].singleClient(tb, "")
	do := func(client rueidis.Client, command ...string) rueidis.RedisResult {
		result := client.Do(tb.Context(), client.B().Arbitrary(command...).Build())
		if err := result.Error(); err != nil {
			tb.Fatalf("redistest: %v: %v", command, err)
		}
		return result
	}
	id := func(client rueidis.Client) string {
		text, _ := do(client, "CLUSTER", "MYID").ToString()
		return text
	}
	number, sourceID, targetID := strconv.FormatInt(slot, 10), id(source), id(target)
	do(target, "CLUSTER", "SETSLOT", number, "IMPORTING", sourceID)
	do(source, "CLUSTER", "SETSLOT", number, "MIGRATING", targetID)
	port, host := splitAddr(nodes[to].Addr)
	for {
		keys, err := do(source, "CLUSTER", "GETKEYSINSLOT", number, "10").AsStrSlice()
		if err != nil {
			tb.Fatalf("redistest: %v", err)
		}
		if len(keys) == 0 {
			break
		}
		for _, key := range keys {
			do(source, "MIGRATE", host, fmt.Sprint(port), key, "0", "5000")
		}
	}
	for _, client := range []rueidis.Client{target, source} {
		do(client, "CLUSTER", "SETSLOT", number, "NODE", targetID)
	}
	for i, node := range nodes {
		if i != from && i != to {
			do(node.singleClient(tb, ""), "CLUSTER", "SETSLOT", number, "NODE", targetID)
		}
	}
}
