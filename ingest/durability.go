// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/rueidis"
)

// durability asks each server that holds data what it keeps of what it acknowledges; it returns what is amiss, "" for nothing.
func durability(ctx context.Context, client rueidis.Client) (problem string) {
	nodes, asked := client.Nodes(), 0
	unasked := "no server tells whether it keeps what it acknowledges"
	for _, address := range slices.Sorted(maps.Keys(nodes)) {
		said, err := inquire(ctx, nodes[address])
		switch {
		case err != nil: // a replica that is away, or one that may not be asked: another server has the data
			unasked = fmt.Sprintf("%s does not tell whether it keeps what it acknowledges: %v", address, err)
		case said["role"] == "slave":
		default:
			asked++
			if problem := amiss(said); problem != "" {
				return address + " " + problem
			}
		}
	}
	if asked == 0 {
		return unasked
	}
	return ""
}

// inquire returns the lines of INFO, and the setting of which INFO says nothing.
func inquire(ctx context.Context, node rueidis.Client) (map[string]string, error) {
	info, err := node.Do(ctx, node.B().Info().Build()).ToString()
	if err != nil {
		return nil, err
	}
	said := fields(info)
	settings, err := node.Do(ctx, node.B().ConfigGet().Parameter("appendfsync").Build()).AsStrMap()
	if err == nil { // a hosted Redis may refuse CONFIG
		said["appendfsync"] = settings["appendfsync"]
	}
	return said, nil
}

// amiss is what keeps a server from being durable, and what mends it.
func amiss(said map[string]string) string {
	switch policy, sync := said["maxmemory_policy"], said["appendfsync"]; {
	case said["aof_enabled"] == "":
		return "does not tell whether it keeps an append-only file: INFO has no aof_enabled"
	case said["aof_enabled"] != "1":
		return "keeps no append-only file and may lose events when it stops: set appendonly yes"
	case policy != "noeviction":
		return fmt.Sprintf("may throw events away when its memory is full: set maxmemory-policy noeviction instead of %q", policy)
	case sync == "":
		return "does not tell how often it syncs its append-only file: allow CONFIG GET, and set appendfsync always"
	case sync != "always":
		return fmt.Sprintf("may lose the latest events when it stops: set appendfsync always instead of %s", sync)
	default:
		return ""
	}
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
