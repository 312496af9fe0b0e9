// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInvalidFlagsAreRejected(t *testing.T) {
	for name, test := range map[string]struct {
		args string
		want string
	}{
		"no Redis address":           {"", "--redis-address is required"},
		"an empty address":           {"--redis-address=,", "--redis-address is required"},
		"an unknown mode":            {"--redis-address=redis:6379 --redis-mode=sentinel", `must be "Standalone", "Sentinel" or "Cluster"`},
		"sentinels without a master": {"--redis-address=redis:26379 --redis-mode=Sentinel", "--redis-master is required"},
		"negative replicas":          {"--redis-address=redis:6379 --redis-min-replicas=-1", "invalid --redis-min-replicas -1"},
		"a short lease":              {"--redis-address=redis:6379 --min-lease=6s", "invalid --min-lease 6s: must be at least 7s"},
		"an argument":                {"--redis-address=redis:6379 serve", `unexpected argument "serve"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parse(strings.Fields(test.args)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("parse: %v; want %q", err, test.want)
			}
		})
	}
}

func TestOnlyAClusterHasSeveralShards(t *testing.T) {
	for mode, want := range map[string]int{standalone: 1, sentinel: 1, cluster: 16} {
		s, err := parse([]string{"--redis-address=a:1, b:2", "--redis-mode=" + mode, "--redis-master=main"})
		if err != nil {
			t.Fatal(err)
		}
		if s.shards() != want {
			t.Errorf("%s: %d shards; want %d", mode, s.shards(), want)
		}
		if diff := cmp.Diff([]string{"a:1", "b:2"}, s.redisAddresses()); diff != "" {
			t.Errorf("addresses (-want +got)\n%s", diff)
		}
	}
}
