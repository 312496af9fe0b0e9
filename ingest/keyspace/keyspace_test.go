// SPDX-License-Identifier: Apache-2.0

package keyspace_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

func TestEveryKeyOfAShardHasTheHashTagOfTheShard(t *testing.T) {
	space := keyspace.New("production/rudderstack", 4)
	shard := space.Shard(3)
	for _, key := range []string{
		shard.Lane("x"), shard.Progress("x"), shard.Due(), shard.FencingTokens(), shard.InFlight(), shard.Meta(),
		shard.DeadLetters(), shard.DeadLetterProgress(), shard.DeadLetterIndex(), shard.Log(), shard.LogIndex(), shard.MinorLog(), shard.MinorLogIndex(),
		shard.DedupeSet(10_800_000, 1024, space.Fingerprint("track", "b")), shard.DedupeSet(10_800_000, 0, space.Fingerprint("track", "b")),
	} {
		if !strings.HasPrefix(key, "doorbell:{production/rudderstack#3}:") {
			t.Errorf("key %s", key)
		}
	}
}

func TestTheRateLimitsOfASourceHaveTheSameHashTag(t *testing.T) {
	space := keyspace.New("production/rudderstack", 4)
	for _, key := range []string{space.RateLimit("identifyUser"), space.RateLimit("triggerWorkflow")} {
		if !strings.HasPrefix(key, "doorbell:{production/rudderstack}:rate:") {
			t.Errorf("key %s", key)
		}
	}
}

func TestKeysDoNotContainTextOfTheSender(t *testing.T) {
	space := keyspace.New("production/rudderstack", 4)
	for _, text := range []string{"", "}:{", strings.Repeat("x", 1<<20), "\x00\xff"} {
		lane, print := space.Lane(text), space.Fingerprint(text, text)
		if len(lane.Name) != 22 || len(print.Name) != 22 || len(print.Member) != 18 || strings.ContainsAny(lane.Name+print.Name, "{}:") {
			t.Errorf("%.10q: %+v, %+v", text, lane, print)
		}
	}
}

func TestLanesAndKeysAreSpreadEvenly(t *testing.T) {
	const shards, n = 4, 4000
	space := keyspace.New("production/rudderstack", shards)
	lanes, sets := map[int]int{}, map[string]int{}
	for i := range n {
		lanes[space.Lane(strconv.Itoa(i)).Shard]++
		sets[space.Shard(0).DedupeSet(1, 1000, space.Fingerprint("track", strconv.Itoa(i)))]++
	}
	for shard, count := range lanes {
		if count < n/shards*8/10 || count > n/shards*12/10 {
			t.Errorf("shard %d has %d of %d lanes", shard, count, n)
		}
	}
	if len(lanes) != shards || len(sets) < 950 {
		t.Errorf("%d shards and %d of 1,000 dedupe sets are used", len(lanes), len(sets))
	}
}

func TestMembersFitIntoTheIntegersThatRedisStoresCompactly(t *testing.T) {
	space := keyspace.New("production/rudderstack", 1)
	for i := range 1000 {
		for _, text := range []string{space.Fingerprint("track", strconv.Itoa(i)).Member + "9", "-" + space.Fingerprint("track", strconv.Itoa(i)).Member + "9"} {
			member, err := strconv.ParseInt(text, 10, 64)
			if err != nil || strconv.FormatInt(member, 10) != text || len(strings.TrimPrefix(text, "-")) != 19 {
				t.Fatalf("member %s: %d, %v", text, member, err)
			}
		}
	}
}

// TestEarlierVersionsFindTheKeysInTheFormerLayout compares with the values that Doorbell stored before a layout had a
// number of sets.
func TestEarlierVersionsFindTheKeysInTheFormerLayout(t *testing.T) {
	for _, test := range []struct {
		shards              int
		key, set, beginning string
	}{
		{1, "a", "sx2", "5451171585081815"},
		{1, "b", "p28", "7715240199394463"},
		{4, "a", "3mu", "5451171585081815"},
		{4, "b", "cf4", "7715240199394463"},
	} {
		space := keyspace.New("production/rudderstack", test.shards)
		print := space.Fingerprint("track/Order Completed", test.key)
		set := space.Shard(0).DedupeSet(10_800_000, 0, print)
		if want := "doorbell:{production/rudderstack#0}:k:10800000:" + test.set; set != want || print.Member[:16] != test.beginning {
			t.Errorf("key %s: %s in %s; want %s in %s", test.key, print.Member[:16], set, test.beginning, want)
		}
	}
}

func TestDifferentPairsOfTypeAndKeyHaveDifferentFingerprints(t *testing.T) {
	space := keyspace.New("production/rudderstack", 1)
	seen := map[string]string{}
	for _, pair := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", ""}, {"1:a", "bc"}, {"a\x00b", "c"}, {"a", "\x00bc"}} {
		name := space.Fingerprint(pair[0], pair[1]).Name
		if other, taken := seen[name]; taken {
			t.Errorf("%q has the fingerprint of %s", pair, other)
		}
		seen[name] = strings.Join(pair[:], "|")
	}
}
