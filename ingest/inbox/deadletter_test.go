// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// addDeadLetters dead-letters n events, one millisecond after another, and returns their IDs, the latest first.
func addDeadLetters(t *testing.T, b *inbox.Inbox, clock *clock, n int) (ids []string) {
	t.Helper()
	for i := range n {
		e := newEvent(fmt.Sprint("user ", i), fmt.Sprint(clock.ms.Load()))
		accept(t, b, e)
		ok(t, b.DeadLetter(t.Context(), claimOne(t, b), []byte("progress"), nil))
		ids = append([]string{e.ID}, ids...)
		clock.advance(time.Millisecond)
	}
	return ids
}

// deadLetterIDs returns the IDs of all dead letters, read in pages of two.
func deadLetterIDs(t *testing.T, b *inbox.Inbox) (ids []string) {
	t.Helper()
	cursor := ""
	for {
		page, next, err := b.DeadLetters(t.Context(), cursor, 2)
		ok(t, err)
		for _, d := range page {
			ids = append(ids, d.ID)
		}
		if next == "" {
			return ids
		}
		cursor = next
	}
}

func TestTheOldestDeadLettersAreDroppedAtEachLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		limits  inbox.DeadLetterLimits
		advance time.Duration
		want    int
	}{
		"maximum number": {limits: inbox.DeadLetterLimits{MaxEvents: 3}, want: 3},
		"retention":      {limits: inbox.DeadLetterLimits{Retention: time.Hour}, advance: time.Hour, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				clock := newClock()
				b := inboxtest.Open(t, client, inbox.Options{Now: clock.now, Limits: inbox.Limits{DeadLetters: tc.limits}})
				addDeadLetters(t, b, clock, 5)
				clock.advance(tc.advance)
				last := addDeadLetters(t, b, clock, 1)
				got := deadLetterIDs(t, b)
				if len(got) != tc.want || got[0] != last[0] {
					t.Errorf("dead letters %v; want %d, the latest of them %s", got, tc.want, last[0])
				}
				stats, err := b.Stats(t.Context())
				ok(t, err)
				if stats.DeadLetters != int64(tc.want) || stats.DroppedDeadLetters != int64(6-tc.want) {
					t.Errorf("%+v; want %d dead letters and %d dropped", stats, tc.want, 6-tc.want)
				}
			})
		})
	}
}

func TestDeadLettersDoNotFillRedis(t *testing.T) {
	b := inboxtest.Open(t, redistest.Start(t, "--maxmemory", "8mb", "--appendfsync", "no").Client(t), inbox.Options{})
	for i := range 1000 { // 20 MB
		e := newEvent(strconv.Itoa(i), strconv.Itoa(i))
		e.Body = bytes.Repeat([]byte("x"), 10_000)
		accept(t, b, e)
		ok(t, b.DeadLetter(t.Context(), claimOne(t, b), bytes.Repeat([]byte("p"), 10_000), nil))
	}
	stats, err := b.Stats(t.Context())
	ok(t, err)
	if stats.DeadLetters < 20 || stats.DeadLetters+stats.DroppedDeadLetters != 1000 {
		t.Errorf("%+v; want as many dead letters as fit into a quarter of Redis's memory, and the others dropped", stats)
	}
}

func TestADeadLetterCanBeDiscardedOnce(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		ids := addDeadLetters(t, b, clock, 5)
		if diff := cmp.Diff(ids, deadLetterIDs(t, b)); diff != "" {
			t.Errorf("dead letters, the latest first (-want +got):\n%s", diff)
		}
		for _, want := range []bool{true, false} {
			if found, err := b.Discard(t.Context(), ids[2]); found != want || err != nil {
				t.Errorf("found %v, %v; want %v", found, err, want)
			}
		}
		if letter, err := b.GetDeadLetter(t.Context(), ids[2]); letter != nil || err != nil {
			t.Errorf("%+v, %v; want no dead letter", letter, err)
		}
		if diff := cmp.Diff([]string{ids[0], ids[1], ids[3], ids[4]}, deadLetterIDs(t, b)); diff != "" {
			t.Errorf("the other dead letters (-want +got):\n%s", diff)
		}
	})
}

func TestAReplayIsANewEventAtTheEndOfItsLane(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		dead, waiting := newEvent("u", "1"), newEvent("u", "2")
		accept(t, b, dead)
		ok(t, b.DeadLetter(t.Context(), claimOne(t, b), []byte("progress"), nil))
		accept(t, b, waiting)
		letter, err := b.GetDeadLetter(t.Context(), dead.ID)
		ok(t, err)
		if diff := cmp.Diff(dead, letter.Event); diff != "" || string(letter.Progress) != "progress" {
			t.Fatalf("dead letter with progress %q (-want +got):\n%s", letter.Progress, diff)
		}
		id, found, err := b.Replay(t.Context(), letter, []byte("what is left"))
		if !found || err != nil {
			t.Fatalf("found %v, %v", found, err)
		}
		if _, found, err := b.Replay(t.Context(), letter, nil); found || err != nil {
			t.Errorf("the second replay: found %v, %v; want false", found, err)
		}
		if got := accept(t, b, newEvent("u", "1"))[0]; got.DuplicateOf != id {
			t.Errorf("the event sent again: %+v; want a duplicate of the replay %s", got, id)
		}

		next, err := b.Complete(t.Context(), claimOne(t, b), nil, 1<<20)
		ok(t, err)
		if next == nil || next.Event.ID != id || next.ReplayOf != dead.ID || string(next.Progress) != "what is left" {
			t.Fatalf("the lane continues with %+v; want the replay", next)
		}
		complete(t, b, next, nil)
		if got := depth(t, b); got != 0 {
			t.Errorf("depth %d; want 0", got)
		}
	})
}

func TestDeadLettersAndLogRecordsAreDeletedToMakeRoomForEvents(t *testing.T) {
	client := redistest.Start(t, "--maxmemory", "6mb", "--appendfsync", "no").Client(t)
	b := inboxtest.Open(t, client, inbox.Options{})
	for i := range 50 {
		accept(t, b, newEvent(strconv.Itoa(i), ""))
		ok(t, b.DeadLetter(t.Context(), claimOne(t, b), bytes.Repeat([]byte("p"), 10_000), nil))
	}
	fill(t, b)
	if stats, err := b.Stats(t.Context()); stats.DeadLetters != 0 || err != nil {
		t.Errorf("%+v, %v; want no dead letters when Redis has no memory left for events", stats, err)
	}
}

func TestAChangedWindowIsStoredWhenRedisIsOutOfMemory(t *testing.T) {
	b := inboxtest.Open(t, redistest.Start(t, "--maxmemory", "6mb", "--appendfsync", "no").Client(t), inbox.Options{})
	fill(t, b)
	b.Configure(inbox.Limits{Window: time.Hour})
	lease := claim(t, b).Leases[0]
	complete(t, b, lease, nil)
	_, err := b.Accept(t.Context(), []*event.Event{newEvent("u", lease.Event.Key)}, nil)
	if full, is := errors.AsType[*inbox.FullError](err); err != nil && (!is || full.Limit != inbox.LimitRedisMemory) {
		t.Errorf("%v; want success or a FullError", err)
	}
}

func TestTheSenderCanSendAnUnreadableEventAgain(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		accept(t, b, newEvent("u", "k"))
		spoil(t, client, b, "u")
		if got := claim(t, b); len(got.Leases) != 0 {
			t.Fatalf("claimed %d lanes; want none", len(got.Leases))
		}
		if got := accept(t, b, newEvent("u", "k"))[0]; got.Duplicate {
			t.Error("the event sent again is a duplicate of the one that cannot be read")
		}
	})
}

// spoil replaces the first stored event of a user with bytes that cannot be decoded.
func spoil(t *testing.T, client rueidis.Client, b *inbox.Inbox, user string) {
	t.Helper()
	list := b.Space().Shard(0).Lane(b.Space().Lane(user).Name)
	ok(t, client.Do(context.WithoutCancel(t.Context()), client.B().Lset().Key(list).Index(1).Element("garbage").Build()).Error())
}

func TestAPageOfLargeDeadLettersIsShorter(t *testing.T) {
	b := inboxtest.Open(t, redistest.Start(t, "--appendfsync", "no").Client(t), inbox.Options{})
	for i := range 4 {
		e := newEvent(strconv.Itoa(i), strconv.Itoa(i))
		e.Body = bytes.Repeat([]byte("x"), 3<<20)
		accept(t, b, e)
		ok(t, b.DeadLetter(t.Context(), claimOne(t, b), nil, nil))
	}
	first, next, err := b.OldestDeadLetters(t.Context(), "", 100)
	ok(t, err)
	second, end, err := b.OldestDeadLetters(t.Context(), next, 100)
	ok(t, err)
	if len(first) != 2 || len(second) != 2 || end != "" {
		t.Errorf("%d and %d dead letters, last cursor %q; want two pages of two", len(first), len(second), end)
	}
}

func TestDeadLettersOlderThanTheirRetentionAreDeletedIfNoneIsAdded(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{
			Now: clock.now, Shards: 2, Limits: inbox.Limits{DeadLetters: inbox.DeadLetterLimits{Retention: time.Hour}},
		})
		old := map[string]float64{} // more than one step of the sweep deletes
		for i := range 450 {
			old[fmt.Sprint("old ", i)] = float64(clock.ms.Load())
		}
		add := client.B().Zadd().Key(b.Space().Shard(1).DeadLetterIndex()).ScoreMember()
		for id, at := range old {
			add = add.ScoreMember(at, id)
		}
		ok(t, client.Do(t.Context(), add.Build()).Error())
		clock.advance(time.Minute)
		young := newEvent("user", "key")
		accept(t, b, young)
		claimed, err := b.Claim(t.Context(), b.Space().Lane("user").Shard, 1, 0)
		ok(t, err)
		ok(t, b.DeadLetter(t.Context(), claimed.Leases[0], nil, nil))

		clock.advance(time.Hour - time.Minute)
		ok(t, b.SweepDeadLetters(t.Context()))
		if diff := cmp.Diff([]string{young.ID}, deadLetterIDs(t, b)); diff != "" {
			t.Errorf("dead letters (-want +got):\n%s", diff)
		}
		clock.advance(time.Minute)
		ok(t, b.SweepDeadLetters(t.Context()))
		stats, err := b.Stats(t.Context())
		ok(t, err)
		if stats.DeadLetters != 0 || stats.DroppedDeadLetters != 451 {
			t.Errorf("%d dead letters are left and %d are dropped; want 0 and 451", stats.DeadLetters, stats.DroppedDeadLetters)
		}
	})
}
