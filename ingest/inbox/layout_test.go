// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// earlierVersion acts like a process of a version of Doorbell that knows only the former layout.
type earlierVersion struct {
	client rueidis.Client
	b      *inbox.Inbox
	clock  *clock
}

// start does what such a process does with its first event.
func (v earlierVersion) start(t *testing.T) {
	t.Helper()
	set := v.client.B().Hset().Key(v.b.Space().Shard(0).Meta()).FieldValue().
		FieldValue("slices", fmt.Sprintf("%d:0", bucket.Milliseconds())).Build()
	ok(t, v.client.Do(t.Context(), set).Error())
}

// place returns the set and the member in which such a process stores a key that was received now.
func (v earlierVersion) place(key string) (set, member string) {
	print := v.b.Space().Fingerprint("track/Order Completed", key)
	number := v.clock.ms.Load() / bucket.Milliseconds()
	return v.b.Space().Shard(0).DedupeSet(bucket.Milliseconds(), 0, print), fmt.Sprintf("%s%03d", print.Member[:16], number%1000)
}

// remember does what such a process does when it finishes an event.
func (v earlierVersion) remember(t *testing.T, key string) {
	t.Helper()
	set, member := v.place(key)
	ok(t, v.client.Do(t.Context(), v.client.B().Sadd().Key(set).Member(member).Build()).Error())
}

// knows reports whether such a process recognizes a duplicate of an event that was received now.
func (v earlierVersion) knows(t *testing.T, key string) bool {
	t.Helper()
	set, member := v.place(key)
	found, err := v.client.Do(t.Context(), v.client.B().Sismember().Key(set).Member(member).Build()).AsBool()
	ok(t, err)
	return found
}

func TestDuplicatesAreRecognizedWhileProcessesOfAnEarlierVersionRun(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		old := earlierVersion{client, b, clock}
		finish := func(key string, wantKnown bool) {
			t.Helper()
			accept(t, b, newEvent("u", key))
			complete(t, b, claimOne(t, b), nil)
			if known := old.knows(t, key); known != wantKnown {
				t.Errorf("the earlier version knows %s: %v; want %v", key, known, wantKnown)
			}
		}
		var keys []string
		check := func(added ...string) {
			t.Helper()
			keys = append(keys, added...)
			for _, key := range keys {
				if !accept(t, b, newEvent("u", key))[0].Duplicate {
					t.Errorf("the key %s is not known", key)
				}
			}
		}

		old.start(t)
		old.remember(t, "before the update")
		check("before the update")
		finish("during the update", true)
		old.remember(t, "meanwhile")
		check("during the update", "meanwhile")

		clock.advance(time.Hour) // every process has been replaced
		finish("last in the former layout", true)
		finish("after the update", false)
		check("last in the former layout", "after the update")

		old.start(t) // the update is undone
		finish("during the rollback", true)
		check("during the rollback")
		clock.advance(59 * time.Minute)
		finish("still during the rollback", true)
		check("still during the rollback")
	})
}

func TestASetThatFillsUpWithinABucketIsReplacedByManyMore(t *testing.T) {
	client := redistest.Start(t, "--appendonly", "no").Client(t)
	clock := newClock()
	b := inboxtest.Open(t, client, inbox.Options{Now: clock.now, Shards: 64})
	shard := b.Space().Shard(b.Space().Lane("u").Shard)
	if _, err := inboxtest.RememberKeys(t.Context(), b, 0, 8_000, nil); err != nil {
		t.Fatal(err)
	}
	stored, err := client.Do(t.Context(), client.B().Hget().Key(shard.Meta()).Field("layouts").Build()).ToString()
	if ok(t, err); !strings.HasPrefix(stored, "10800000:1024:") {
		t.Errorf("the layouts are %s; want 1,024 sets instead of 16", stored)
	}
}

func TestTheNumberOfDedupeSetsFollowsTheNumberOfKeys(t *testing.T) {
	client := redistest.Start(t, "--appendonly", "no").Client(t)
	clock := newClock()
	b := inboxtest.Open(t, client, inbox.Options{Now: clock.now, Shards: 64}) // a shard begins with 16 sets
	shard := b.Space().Shard(b.Space().Lane("u").Shard)
	layouts := func() []string {
		t.Helper()
		stored, err := client.Do(t.Context(), client.B().Hget().Key(shard.Meta()).Field("layouts").Build()).ToString()
		ok(t, err)
		return strings.Fields(stored)
	}
	wantSets := func(when, want string) {
		t.Helper()
		if got := layouts()[0]; !strings.HasPrefix(got, fmt.Sprintf("%d:%s:", bucket.Milliseconds(), want)) {
			t.Errorf("%s, the layout is %s; want %s sets", when, got, want)
		}
	}
	fillWindow(t, b, clock, 100)
	wantSets("with few keys", "16")
	remember := func(first, n int, over time.Duration) {
		t.Helper()
		began := clock.ms.Load()
		duplicates, err := inboxtest.RememberKeys(t.Context(), b, first, n, func(keys int) {
			clock.ms.Store((began + over.Milliseconds()*int64(keys)/int64(n)) / 16 * 16)
		})
		if err != nil || duplicates != 0 {
			t.Fatalf("%d duplicates, %v", duplicates, err)
		}
	}
	remember(1_000_000, 8_000, window/2)
	wantSets("with keys that fill the sets within half a window", "128")
	remember(2_000_000, 50_000, time.Hour)
	wantSets("after many more keys", "1024")
	if n := len(layouts()); n < 2 || n > 3 {
		t.Errorf("%d layouts %v; want the current one and the earlier ones whose keys are in the window", n, layouts())
	}
	for day := range 3 {
		clock.advance(window)
		expireSets(t, client, b.Space(), window)
		remember(3_000_000+1000*day, 1000, window/2)
	}
	wantSets("after some days with few keys", "16")
	if duplicates, err := inboxtest.RememberKeys(t.Context(), b, 3_002_000, 1000, nil); err != nil || duplicates != 1000 {
		t.Errorf("%d of 1,000 keys are known after the number of sets has changed, %v", duplicates, err)
	}
}
