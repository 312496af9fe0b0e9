// SPDX-License-Identifier: Apache-2.0

package redishealth

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/rueidis"
)

// durabilityProblem asks each Redis server that holds data whether it persists every write before it acknowledges it.
// It returns the first problem, with the setting that solves it, or "" if there is none. Replicas are not checked:
// Doorbell does not wait for them.
func durabilityProblem(ctx context.Context, client rueidis.Client) string {
	nodes, checked := client.Nodes(), 0
	unchecked := "no Redis server reports its persistence settings"
	for _, address := range slices.Sorted(maps.Keys(nodes)) {
		info, err := readServerInfo(ctx, nodes[address])
		switch {
		case err != nil: // for example a replica that is down; another server holds the data then
			unchecked = fmt.Sprintf("%s does not report its persistence settings: %v", address, err)
		case info["role"] == "slave":
		default:
			checked++
			if problem := info.durabilityProblem(); problem != "" {
				return address + " " + problem
			}
		}
	}
	if checked == 0 {
		return unchecked
	}
	return ""
}

// serverInfo holds the fields of the INFO command by name, and the setting appendfsync, which INFO lacks.
type serverInfo map[string]string

func readServerInfo(ctx context.Context, node rueidis.Client) (serverInfo, error) {
	text, err := node.Do(ctx, node.B().Info().Build()).ToString()
	if err != nil {
		return nil, err
	}
	info := parseServerInfo(text)
	settings, err := node.Do(ctx, node.B().ConfigGet().Parameter("appendfsync").Build()).AsStrMap()
	if err == nil { // a hosted Redis may deny CONFIG GET; durabilityProblem reports that
		info["appendfsync"] = settings["appendfsync"]
	}
	return info, nil
}

// parseServerInfo reads the lines NAME:VALUE of INFO, and skips all others.
func parseServerInfo(text string) serverInfo {
	info := serverInfo{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

// durabilityProblem names the first setting that allows the server to lose acknowledged writes, and the value it should
// have.
func (i serverInfo) durabilityProblem() string {
	switch policy, sync := i["maxmemory_policy"], i["appendfsync"]; {
	case i["aof_enabled"] == "":
		return "does not report whether it has an append-only file: INFO has no field aof_enabled"
	case i["aof_enabled"] != "1":
		return "has no append-only file and can lose events when it stops: set appendonly yes"
	case policy != "noeviction":
		return fmt.Sprintf("can evict events when its memory is full: set maxmemory-policy noeviction instead of %q", policy)
	case sync == "":
		return "does not report how often it syncs its append-only file: allow CONFIG GET, and set appendfsync always"
	case sync != "always":
		return fmt.Sprintf("can lose the latest events when it stops: set appendfsync always instead of %s", sync)
	default:
		return ""
	}
}
