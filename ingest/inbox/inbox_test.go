// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

func TestAnAcceptedEventIsHandedOutAsItCame(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := open(t, client, inbox.Options{Now: clock.now})
		sent := &event.Event{
			ID: event.NewID(), Type: "track/Grüße", Key: "k\x00\xff", OrderingKey: "user 1", Verification: "failed",
			Headers: map[string]string{"x-a": "1, 2"}, Body: []byte("{\"n\":9007199254740993,\"s\":\"\\u0000 %d\r\n\"}"),
		}

		receipts := accept(t, b, sent)
		if diff := cmp.Diff([]inbox.Receipt{{ReceivedAt: clock.now()}}, receipts); diff != "" {
			t.Errorf("receipts (-want +got):\n%s", diff)
		}
		claimed := claim(t, b)
		if claimed.Next != lease || len(claimed.Claims) != 1 {
			t.Fatalf("%d claims, next in %v; want 1, in %v", len(claimed.Claims), claimed.Next, lease)
		}
		if diff := cmp.Diff(sent, claimed.Claims[0].Event); diff != "" {
			t.Errorf("event (-sent +claimed):\n%s", diff)
		}
		if got := depth(t, b); got != 1 {
			t.Errorf("depth %d before it is finished; want 1", got)
		}
		ok(t, b.Complete(t.Context(), claimed.Claims[0], nil))
		if got := depth(t, b); got != 0 {
			t.Errorf("depth %d after; want 0", got)
		}
		if next := claim(t, b).Next; next != -1 {
			t.Errorf("next in %v when nothing is left; want -1", next)
		}
	})
}

func TestDuplicates(t *testing.T) {
	const full = window / 8 * 9
	for name, tc := range map[string]struct {
		window time.Duration
		finish func(*testing.T, *inbox.Inbox, *inbox.Claim)
		after  time.Duration // from receipt
		want   bool
	}{
		"the first is unfinished":                            {finish: nothing, want: true},
		"the first is unfinished for longer than the window": {finish: nothing, after: 10 * window, want: true},
		"the first is to be retried":                         {finish: retried, want: true},
		"the first is finished":                              {finish: completed, want: true},
		"the first is finished, at the window's end":         {finish: completed, after: window, want: true},
		"the first is finished, an eighth later":             {finish: completed, after: full},
		"the first is a dead letter":                         {finish: buried},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, client rueidis.Client) {
				clock := newClock()
				b := open(t, client, inbox.Options{Now: clock.now})
				first := keyed("u", "k")
				accept(t, b, first)
				tc.finish(t, b, claimOne(t, b))
				clock.advance(tc.after)

				got := accept(t, b, keyed("u", "k"))[0]
				if got.Duplicate != tc.want {
					t.Errorf("duplicate %v after %v; want %v", got.Duplicate, tc.after, tc.want)
				}
			})
		})
	}
}

func nothing(*testing.T, *inbox.Inbox, *inbox.Claim) {}

func completed(t *testing.T, b *inbox.Inbox, c *inbox.Claim) {
	ok(t, b.Complete(t.Context(), c, nil))
}

func retried(t *testing.T, b *inbox.Inbox, c *inbox.Claim) {
	ok(t, b.Retry(t.Context(), c, time.Minute, nil, nil))
}

func buried(t *testing.T, b *inbox.Inbox, c *inbox.Claim) {
	ok(t, b.Bury(t.Context(), c, nil, nil))
}

func TestWhatIsNoDuplicate(t *testing.T) {
	typed := func(eventType, key string) *event.Event {
		e := keyed("u", key)
		e.Type = eventType
		return e
	}
	for name, tc := range map[string]struct {
		events []*event.Event
		want   []bool
	}{
		"two equal keys in one request":                   {events: []*event.Event{keyed("u", "k"), keyed("v", "k")}, want: []bool{false, true}},
		"equal keys of two types":                         {events: []*event.Event{typed("a", "k"), typed("b", "k")}, want: []bool{false, false}},
		"types and keys that are equal when run together": {events: []*event.Event{typed("ab", "c"), typed("a", "bc")}, want: []bool{false, false}},
		"no keys": {events: []*event.Event{keyed("u", ""), keyed("u", "")}, want: []bool{false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, client rueidis.Client) {
				var got []bool
				for _, receipt := range accept(t, open(t, client, inbox.Options{}), tc.events...) {
					got = append(got, receipt.Duplicate)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("duplicates (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestADuplicateNamesTheUnfinishedEventThatItRepeats(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		b := open(t, client, inbox.Options{})
		first := keyed("u", "k")
		accept(t, b, first)
		if got := accept(t, b, keyed("u", "k"))[0]; !got.Duplicate || got.DuplicateOf != first.ID {
			t.Errorf("%+v; want a duplicate of %s", got, first.ID)
		}
		ok(t, b.Complete(t.Context(), claimOne(t, b), nil))
		if got := accept(t, b, keyed("u", "k"))[0]; !got.Duplicate || got.DuplicateOf != "" {
			t.Errorf("%+v; want a duplicate of a finished event, whose ID is not kept", got)
		}
	})
}

func TestALaneRunsInOrderAndOtherLanesDoNotWait(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := open(t, client, inbox.Options{Now: clock.now})
		first, second, other := keyed("u", "1"), keyed("u", "2"), keyed("v", "3")
		accept(t, b, first, second)
		accept(t, b, other)

		claims := claim(t, b).Claims
		if len(claims) != 2 {
			t.Fatalf("claimed %d lanes; want 2", len(claims))
		}
		for _, c := range claims {
			if c.Event.ID == other.ID {
				ok(t, b.Complete(t.Context(), c, nil))
			} else {
				ok(t, b.Retry(t.Context(), c, time.Minute, []byte("plan"), nil))
			}
		}
		if got := claim(t, b); len(got.Claims) != 0 || got.Next != time.Minute {
			t.Errorf("claimed %d lanes, next in %v; want none, in 1m", len(got.Claims), got.Next)
		}
		clock.advance(time.Minute)
		again := claimOne(t, b)
		if again.Event.ID != first.ID || string(again.Progress) != "plan" {
			t.Errorf("after the delay: event %s, progress %q; want %s with its plan", again.Event.ID, again.Progress, first.ID)
		}
		ok(t, b.Complete(t.Context(), again, nil))
		last := claimOne(t, b)
		if last.Event.ID != second.ID || last.Progress != nil {
			t.Errorf("then: event %s, progress %q; want %s without", last.Event.ID, last.Progress, second.ID)
		}
	})
}

func TestAClaimThatIsLostChangesNothing(t *testing.T) {
	for name, act := range map[string]func(*testing.T, *inbox.Inbox, *inbox.Claim) error{
		"save": func(t *testing.T, b *inbox.Inbox, c *inbox.Claim) error { return b.Save(t.Context(), c, []byte("x")) },
		"complete": func(t *testing.T, b *inbox.Inbox, c *inbox.Claim) error {
			return b.Complete(t.Context(), c, []byte("{}"))
		},
		"retry": func(t *testing.T, b *inbox.Inbox, c *inbox.Claim) error {
			return b.Retry(t.Context(), c, 0, []byte("x"), []byte("{}"))
		},
		"bury": func(t *testing.T, b *inbox.Inbox, c *inbox.Claim) error {
			return b.Bury(t.Context(), c, []byte("x"), []byte("{}"))
		},
		"renew": func(t *testing.T, b *inbox.Inbox, c *inbox.Claim) error {
			lost, err := b.Renew(t.Context(), []*inbox.Claim{c})
			if len(lost) == 1 && lost[0] == c {
				return inbox.ErrLost
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, client rueidis.Client) {
				clock := newClock()
				b := open(t, client, inbox.Options{Now: clock.now})
				e := keyed("u", "k")
				accept(t, b, e)
				old := claimOne(t, b)
				clock.advance(lease)
				holder := claimOne(t, b)

				if err := act(t, b, old); !errors.Is(err, inbox.ErrLost) {
					t.Errorf("%v; want ErrLost", err)
				}
				if entry, err := eventlog.Open(client, b.Space(), eventlog.Limits{}).Get(t.Context(), e.ID); entry != nil || err != nil {
					t.Errorf("the log has %v, %v; want nothing", entry, err)
				}
				if holder.Event.ID != e.ID || holder.Progress != nil {
					t.Errorf("the holder has event %s, progress %q", holder.Event.ID, holder.Progress)
				}
				ok(t, b.Complete(t.Context(), holder, nil))
			})
		})
	}
}

func TestAClaimEndsOnce(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		b := open(t, client, inbox.Options{})
		accept(t, b, keyed("u", "1"), keyed("u", "2"))
		c := claimOne(t, b)
		ok(t, b.Complete(t.Context(), c, nil))
		if err := b.Complete(t.Context(), c, nil); !errors.Is(err, inbox.ErrLost) {
			t.Errorf("completed again: %v; want ErrLost", err)
		}
		if got := depth(t, b); got != 1 {
			t.Errorf("depth %d; want 1", got)
		}
	})
}

func TestARenewedLeaseIsNotClaimed(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := open(t, client, inbox.Options{Now: clock.now})
		accept(t, b, keyed("u", "k"))
		c := claimOne(t, b)
		before := c.Deadline()
		clock.advance(lease - time.Second)
		if lost, err := b.Renew(t.Context(), []*inbox.Claim{c}); len(lost) != 0 || err != nil {
			t.Fatalf("renew: %d lost, %v", len(lost), err)
		}
		if !c.Deadline().After(before) {
			t.Error("the deadline has not moved")
		}
		clock.advance(lease - time.Second)
		if got := claim(t, b); len(got.Claims) != 0 || got.Next != time.Second {
			t.Errorf("claimed %d, next in %v; want none, in 1s", len(got.Claims), got.Next)
		}
		ok(t, b.Complete(t.Context(), c, nil))
	})
}

func TestTheQueueLimitRefusesARequestWhole(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		b := open(t, client, inbox.Options{Limits: inbox.Limits{MaxPending: 3}})
		accept(t, b, keyed("u", "1"), keyed("u", "2"))

		_, err := b.Accept(t.Context(), []*event.Event{keyed("u", "3"), keyed("u", "4")})
		if full, is := errors.AsType[*inbox.FullError](err); !is || full.Limit != inbox.LimitQueue {
			t.Errorf("%v; want a FullError for the queue", err)
		}
		if got := depth(t, b); got != 2 {
			t.Errorf("depth %d; want 2", got)
		}
		for _, receipt := range accept(t, b, keyed("u", "1"), keyed("u", "3"), keyed("u", "2"))[:1] {
			if !receipt.Duplicate {
				t.Error("a known key is a duplicate in a full queue too")
			}
		}
		b.Configure(inbox.Limits{Window: window, MaxPending: 4})
		accept(t, b, keyed("u", "4"))
	})
}

func TestEndsAreLogged(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(*testing.T, *inbox.Inbox, *inbox.Claim, []byte) error
		want eventlog.Status
	}{
		"complete": {want: eventlog.Succeeded, end: func(t *testing.T, b *inbox.Inbox, c *inbox.Claim, record []byte) error {
			return b.Complete(t.Context(), c, record)
		}},
		"retry": {want: eventlog.Retrying, end: func(t *testing.T, b *inbox.Inbox, c *inbox.Claim, record []byte) error {
			return b.Retry(t.Context(), c, 0, nil, record)
		}},
		"bury": {want: eventlog.DeadLettered, end: func(t *testing.T, b *inbox.Inbox, c *inbox.Claim, record []byte) error {
			return b.Bury(t.Context(), c, nil, record)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, client rueidis.Client) {
				b := open(t, client, inbox.Options{})
				e := keyed("u", "k")
				accept(t, b, e)
				record, err := eventlog.Encode(eventlog.Entry{ID: e.ID, Status: tc.want})
				ok(t, err)
				ok(t, tc.end(t, b, claimOne(t, b), record))
				entries, err := eventlog.Open(client, b.Space(), eventlog.Limits{}).List(t.Context(), eventlog.Query{})
				ok(t, err)
				if diff := cmp.Diff([]eventlog.Entry{{ID: e.ID, Status: tc.want}}, entries); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestADeadLetterIsKeptWithItsProgress(t *testing.T) {
	onEach(t, func(t *testing.T, client rueidis.Client) {
		b := open(t, client, inbox.Options{})
		e := keyed("u", "k")
		accept(t, b, e)
		c := claimOne(t, b)
		ok(t, b.Save(t.Context(), c, []byte("plan")))
		ok(t, b.Bury(t.Context(), c, nil, nil))

		keys := b.Space().Shard(0)
		entry, err := client.Do(t.Context(), client.B().Hget().Key(keys.Dead()).Field(e.ID).Build()).ToString()
		ok(t, err)
		progress, err := client.Do(t.Context(), client.B().Hget().Key(keys.DeadPlan()).Field(e.ID).Build()).ToString()
		ok(t, err)
		_, encoded, _ := strings.Cut(entry, " ")
		if encoded != string(e.Append(nil)) || progress != "plan" {
			t.Errorf("kept %q and %q", entry, progress)
		}
	})
}
