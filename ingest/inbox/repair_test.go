// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"errors"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestALaneWithoutEventsIsRemovedFromTheSchedule(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		keys := b.Space().Shard(0)
		ok(t, client.Do(t.Context(), client.B().Zadd().Key(keys.Due()).ScoreMember().ScoreMember(1, "ghost").Build()).Error())
		for range 2 {
			if got := claim(t, b); len(got.Leases) != 0 {
				t.Fatalf("claimed %d lanes; want none", len(got.Leases))
			}
		}
		if next := claim(t, b).Next; next != -1 {
			t.Errorf("next lane due in %v; want -1", next)
		}
	})
}

func TestAnEntryThatCannotBeDecodedIsDeadLetteredAndDoesNotBlockItsLane(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		e := newEvent("u", "k")
		accept(t, b, e)
		list := b.Space().Shard(0).Lane(b.Space().Lane("u").Name)
		ok(t, client.Do(t.Context(), client.B().Lpush().Key(list).Element("garbage", "12").Build()).Error())
		if got := claim(t, b); len(got.Leases) != 0 {
			t.Fatalf("claimed %d lanes; want none", len(got.Leases))
		}
		if got := claimOne(t, b); got.Event.ID != e.ID {
			t.Errorf("the next event is %s; want %s", got.Event.ID, e.ID)
		}
		page, err := eventlog.Open(client, b.Space(), eventlog.Limits{}).List(t.Context(), eventlog.Query{Status: eventlog.DeadLettered})
		ok(t, err)
		entries := page.Entries
		if len(entries) != 1 || entries[0].Reason != "stored event: unknown encoding" {
			t.Errorf("log: %+v", entries)
		}
	})
}

func TestTheNumberOfShardsIsFixedByTheFirstOpen(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		inboxtest.Open(t, client, inbox.Options{Shards: 2})
		if got := inboxtest.Open(t, client, inbox.Options{Shards: 16}).Shards(); got != 2 {
			t.Errorf("%d shards; want 2", got)
		}
	})
}

func TestScriptsAreLoadedAgainAfterRedisHasDroppedThem(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		flush := func() {
			ok(t, client.Do(t.Context(), client.B().ScriptFlush().Build()).Error())
		}
		for range 2 {
			flush()
			accept(t, b, newEvent("u", ""))
			flush()
			c := claimOne(t, b)
			flush()
			ok(t, b.Save(t.Context(), c, []byte("x")))
			flush()
			complete(t, b, c, nil)
		}
	})
}

func TestTheInboxWorksAfterRedisHasLostItsData(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		accept(t, b, newEvent("u", "k"))
		ok(t, client.Do(t.Context(), client.B().Flushall().Build()).Error())
		accept(t, b, newEvent("u", "k"))
		complete(t, b, claimOne(t, b), nil)
		if got := accept(t, b, newEvent("u", "k"))[0]; !got.Duplicate {
			t.Error("the event is not a duplicate")
		}
	})
}

func TestAChangedWindowForgetsNoKeyEarly(t *testing.T) {
	for name, tc := range map[string]struct{ first, second time.Duration }{
		"a longer one":  {first: time.Hour, second: 24 * time.Hour},
		"a shorter one": {first: 24 * time.Hour, second: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				clock := newClock()
				b := inboxtest.Open(t, client, inbox.Options{Now: clock.now, Limits: inbox.Limits{Window: tc.first}})
				other := inboxtest.Open(t, client, inbox.Options{Now: clock.now, Limits: inbox.Limits{Window: tc.first}})
				finish := func(key string) {
					accept(t, other, newEvent("u", key))
					complete(t, other, claimOne(t, other), nil)
				}
				known := func(want bool, key string) {
					t.Helper()
					for _, b := range []*inbox.Inbox{b, other} {
						receipt := accept(t, b, newEvent("u", key))[0]
						if receipt.Duplicate != want {
							t.Errorf("key %s: duplicate %v; want %v", key, receipt.Duplicate, want)
						}
						want = true // the key is known once Accept has stored the event
					}
				}
				finish("before")
				b.Configure(inbox.Limits{Window: tc.second})
				known(true, "before")
				finish("after") // through the inbox that does not know of the change yet
				clock.advance(tc.first)
				known(true, "before")
				clock.advance(tc.first / 8)
				known(false, "before")
				known(tc.first < tc.second, "after")
			})
		})
	}
}

func TestOpenTakesOverTheLeasesOfTheSameOwnerOnly(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		died := inboxtest.Open(t, client, inbox.Options{Now: clock.now, Owner: "dev"})
		accept(t, died, newEvent("u", "k"))
		lost := claimOne(t, died)

		other := inboxtest.Open(t, client, inbox.Options{Now: clock.now, Owner: "de"})
		if got := claim(t, other); len(got.Leases) != 0 {
			t.Errorf("another owner claimed %d lanes; want none", len(got.Leases))
		}
		again := inboxtest.Open(t, client, inbox.Options{Now: clock.now, Owner: "dev"})
		c := claimOne(t, again)
		if _, err := died.Complete(t.Context(), lost, nil, 0); !errors.Is(err, inbox.ErrLeaseLost) {
			t.Errorf("Complete in the earlier process: %v; want ErrLeaseLost", err)
		}
		complete(t, again, c, nil)
	})
}

func TestAcceptingFinishingAndRetryingSignalThatALaneIsDue(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		signaled := func(want bool) {
			t.Helper()
			select {
			case <-b.LaneDue(0):
				if !want {
					t.Error("LaneDue signaled without a due lane")
				}
			default:
				if want {
					t.Error("LaneDue did not signal")
				}
			}
		}
		signaled(false)
		accept(t, b, newEvent("u", "1"), newEvent("u", "2"))
		signaled(true)
		signaled(false)
		complete(t, b, claimOne(t, b), nil)
		signaled(true)
		ok(t, b.Retry(t.Context(), claimOne(t, b), 0, nil, nil))
		signaled(true)
	})
}
