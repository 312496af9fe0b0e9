// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// firstSets is the number of dedupe sets of a new source with one shard.
const firstSets = 1024

// keysOfOneSet returns n idempotency keys that are stored in the same dedupe set, and the set's key.
func keysOfOneSet(space keyspace.Space, n int) (keys []string, set string) {
	found := map[string][]string{}
	for i := 0; ; i++ {
		key := strconv.Itoa(i)
		set := space.Shard(0).DedupeSet(bucket.Milliseconds(), firstSets, space.Fingerprint("track/Order Completed", key))
		if found[set] = append(found[set], key); len(found[set]) == n {
			return found[set], set
		}
	}
}

func TestKeysOutsideTheWindowAreDeletedAndTheirSetExpires(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		keys, setKey := keysOfOneSet(b.Space(), 4)
		finish := func(key string) (member string) {
			t.Helper()
			accept(t, b, newEvent("u", key))
			complete(t, b, claimOne(t, b), nil)
			number := clock.ms.Load() / bucket.Milliseconds()
			member = b.Space().Fingerprint("track/Order Completed", key).Member + strconv.FormatInt(number%10, 10)
			if number%20 >= 10 {
				return "-" + member
			}
			return member
		}
		check := func(members ...string) {
			t.Helper()
			stored, err := client.Do(t.Context(), client.B().Smembers().Key(setKey).Build()).AsStrSlice()
			ok(t, err)
			want := set(append(members, "-"+strconv.FormatInt(clock.ms.Load()/bucket.Milliseconds(), 10)))
			if diff := cmp.Diff(want, set(stored)); diff != "" {
				t.Errorf("set (-want +got):\n%s", diff)
			}
		}

		first := finish(keys[0])
		check(first)
		clock.advance(bucket)
		second := finish(keys[1])
		check(first, second)
		clock.advance(8 * bucket)
		third := finish(keys[2])
		check(second, third)
		clock.advance(20 * bucket)
		expireSets(t, client, b.Space(), 20*bucket)
		check(finish(keys[3]))

		left, err := client.Do(t.Context(), client.B().Pttl().Key(setKey).Build()).AsInt64()
		ok(t, err)
		if left := time.Duration(left) * time.Millisecond; left < 9*bucket-time.Minute || left > 10*bucket {
			t.Errorf("the set expires in %v; want 9 to 10 buckets of %v", left, bucket)
		}
	})
}

func TestTheKeyOfAnEventThatFinishesAfterItsWindowIsNotStored(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		accept(t, b, newEvent("u", "k"))
		clock.advance(2 * window)
		complete(t, b, claimOne(t, b), nil)
		if got := accept(t, b, newEvent("u", "k"))[0]; got.Duplicate {
			t.Error("the event is a duplicate")
		}
	})
}

func TestAKeyIsStillKnownWhenTheClockGoesBackIntoTheBucketBefore(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		clock.ms.Store(clock.ms.Load() / bucket.Milliseconds() * bucket.Milliseconds()) // the beginning of a bucket
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		accept(t, b, newEvent("u", "k"))
		complete(t, b, claimOne(t, b), nil)
		clock.advance(-time.Second)
		accept(t, b, newEvent("u", "other"))
		if got := accept(t, b, newEvent("u", "k"))[0]; !got.Duplicate {
			t.Error("the event is not a duplicate")
		}
	})
}
