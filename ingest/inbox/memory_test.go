// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
)

// sameBucket finds n keys that are remembered in one set.
func sameBucket(space keyspace.Space, n int) (keys []string, bucket string) {
	found := map[string][]string{}
	for i := 0; ; i++ {
		key := strconv.Itoa(i)
		bucket := space.Fingerprint("track/Order Completed", key).Bucket
		if found[bucket] = append(found[bucket], key); len(found[bucket]) == n {
			return found[bucket], bucket
		}
	}
}

func TestWhatIsPastIsSweptOutAndTheSetExpires(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		const slice = window / 8
		clock := newClock()
		b := open(t, client, inbox.Options{Now: clock.now})
		keys, bucket := sameBucket(b.Space(), 4)
		finish := func(key string) (member string) {
			t.Helper()
			accept(t, b, keyed("u", key))
			ok(t, b.Complete(t.Context(), claimOne(t, b), nil))
			ending := strconv.FormatInt(clock.ms.Load()/slice.Milliseconds()%1000, 10)
			return b.Space().Fingerprint("track/Order Completed", key).Member + strings.Repeat("0", 3-len(ending)) + ending
		}
		bucketKey := b.Space().Shard(0).Remembered(slice.Milliseconds(), bucket)
		check := func(members ...string) {
			t.Helper()
			stored, err := client.Do(t.Context(), client.B().Smembers().Key(bucketKey).Build()).AsStrSlice()
			ok(t, err)
			want := set(append(members, "-"+strconv.FormatInt(clock.ms.Load()/slice.Milliseconds(), 10)))
			if diff := cmp.Diff(want, set(stored)); diff != "" {
				t.Errorf("set (-want +got):\n%s", diff)
			}
		}

		first := finish(keys[0])
		check(first)
		clock.advance(slice)
		second := finish(keys[1])
		check(first, second)
		clock.advance(8 * slice)
		third := finish(keys[2])
		check(second, third)
		clock.advance(20 * slice)
		check(finish(keys[3]))

		left, err := client.Do(t.Context(), client.B().Pttl().Key(bucketKey).Build()).AsInt64()
		ok(t, err)
		if left := time.Duration(left) * time.Millisecond; left < 9*slice-time.Minute || left > 10*slice {
			t.Errorf("the set expires in %v; want 9 to 10 slices of %v", left, slice)
		}
	})
}

func TestAnEventThatTookLongerThanTheWindowIsNotRemembered(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := open(t, client, inbox.Options{Now: clock.now})
		accept(t, b, keyed("u", "k"))
		clock.advance(2 * window)
		ok(t, b.Complete(t.Context(), claimOne(t, b), nil))
		if got := accept(t, b, keyed("u", "k"))[0]; got.Duplicate {
			t.Error("a duplicate")
		}
	})
}

func TestAClockThatGoesBackIntoTheSliceBeforeForgetsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		slice := (window / 8).Milliseconds()
		clock.ms.Store(clock.ms.Load() / slice * slice) // a slice begins
		b := open(t, client, inbox.Options{Now: clock.now})
		accept(t, b, keyed("u", "k"))
		ok(t, b.Complete(t.Context(), claimOne(t, b), nil))
		clock.advance(-time.Second)
		accept(t, b, keyed("u", "other"))
		if got := accept(t, b, keyed("u", "k"))[0]; !got.Duplicate {
			t.Error("no duplicate")
		}
	})
}
