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
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestAnAcceptedEventIsClaimedWithoutChange(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		sent := &event.Event{
			ID: event.NewID(), Type: "track/Grüße", Key: "k\x00\xff", OrderingKey: "user 1", Verification: "failed",
			Headers: map[string]string{"x-a": "1, 2"}, Body: []byte("{\"n\":9007199254740993,\"s\":\"\\u0000 %d\r\n\"}"),
		}

		receipts := accept(t, b, sent)
		if diff := cmp.Diff([]inbox.Receipt{{ReceivedAt: clock.now()}}, receipts); diff != "" {
			t.Errorf("receipts (-want +got):\n%s", diff)
		}
		claimed := claim(t, b)
		if claimed.Next != lease || len(claimed.Leases) != 1 {
			t.Fatalf("%d leases, next lane due in %v; want 1, in %v", len(claimed.Leases), claimed.Next, lease)
		}
		if diff := cmp.Diff(sent, claimed.Leases[0].Event); diff != "" {
			t.Errorf("event (-sent +claimed):\n%s", diff)
		}
		if got := depth(t, b); got != 1 {
			t.Errorf("depth %d while the event is unfinished; want 1", got)
		}
		complete(t, b, claimed.Leases[0], nil)
		if got := depth(t, b); got != 0 {
			t.Errorf("depth %d when it is finished; want 0", got)
		}
		if next := claim(t, b).Next; next != -1 {
			t.Errorf("next lane due in %v when there is none; want -1", next)
		}
	})
}

func TestAKeyIsADuplicateWhileItsEventIsUnfinishedOrInTheDedupeWindow(t *testing.T) {
	for name, tc := range map[string]struct {
		window time.Duration
		finish func(*testing.T, *inbox.Inbox, *inbox.Lease)
		after  time.Duration // since the receipt of the first
		want   bool
	}{
		"the first is unfinished":                             {finish: unfinished, want: true},
		"the first is unfinished for longer than the window":  {finish: unfinished, after: 10 * window, want: true},
		"the first waits for its retry":                       {finish: retried, want: true},
		"the first is finished":                               {finish: completed, want: true},
		"the first is finished, one window later":             {finish: completed, after: window, want: true},
		"the first is finished, a window and an eighth later": {finish: completed, after: window + bucket},
		"the first is a dead letter":                          {finish: deadLettered},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				clock := newClock()
				b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
				first := newEvent("u", "k")
				accept(t, b, first)
				tc.finish(t, b, claimOne(t, b))
				clock.advance(tc.after)

				got := accept(t, b, newEvent("u", "k"))[0]
				if got.Duplicate != tc.want {
					t.Errorf("duplicate %v after %v; want %v", got.Duplicate, tc.after, tc.want)
				}
			})
		})
	}
}

func unfinished(*testing.T, *inbox.Inbox, *inbox.Lease) {}

func completed(t *testing.T, b *inbox.Inbox, c *inbox.Lease) {
	complete(t, b, c, nil)
}

func retried(t *testing.T, b *inbox.Inbox, c *inbox.Lease) {
	ok(t, b.Retry(t.Context(), c, time.Minute, nil, nil))
}

func deadLettered(t *testing.T, b *inbox.Inbox, c *inbox.Lease) {
	ok(t, b.DeadLetter(t.Context(), c, nil, nil))
}

func TestEventsWithDifferentTypesOrWithoutKeysAreNotDuplicates(t *testing.T) {
	typed := func(eventType, key string) *event.Event {
		e := newEvent("u", key)
		e.Type = eventType
		return e
	}
	for name, tc := range map[string]struct {
		events []*event.Event
		want   []bool
	}{
		"equal keys in one request":                       {events: []*event.Event{newEvent("u", "k"), newEvent("v", "k")}, want: []bool{false, true}},
		"equal keys of different types":                   {events: []*event.Event{typed("a", "k"), typed("b", "k")}, want: []bool{false, false}},
		"types and keys that are equal when concatenated": {events: []*event.Event{typed("ab", "c"), typed("a", "bc")}, want: []bool{false, false}},
		"no keys": {events: []*event.Event{newEvent("u", ""), newEvent("u", "")}, want: []bool{false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				var got []bool
				for _, receipt := range accept(t, inboxtest.Open(t, client, inbox.Options{}), tc.events...) {
					got = append(got, receipt.Duplicate)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("duplicates (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestTheReceiptOfADuplicateNamesTheUnfinishedEvent(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		first := newEvent("u", "k")
		accept(t, b, first)
		if got := accept(t, b, newEvent("u", "k"))[0]; !got.Duplicate || got.DuplicateOf != first.ID {
			t.Errorf("%+v; want a duplicate of %s", got, first.ID)
		}
		complete(t, b, claimOne(t, b), nil)
		if got := accept(t, b, newEvent("u", "k"))[0]; !got.Duplicate || got.DuplicateOf != "" {
			t.Errorf("%+v; want a duplicate without an ID, because the first event is finished", got)
		}
	})
}

func TestALaneIsClaimedInOrderAndDoesNotDelayOtherLanes(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		first, second, other := newEvent("u", "1"), newEvent("u", "2"), newEvent("v", "3")
		accept(t, b, first, second)
		accept(t, b, other)

		leases := claim(t, b).Leases
		if len(leases) != 2 {
			t.Fatalf("claimed %d lanes; want 2", len(leases))
		}
		for _, c := range leases {
			if c.Event.ID == other.ID {
				complete(t, b, c, nil)
			} else {
				ok(t, b.Retry(t.Context(), c, time.Minute, []byte("plan"), nil))
			}
		}
		if got := claim(t, b); len(got.Leases) != 0 || got.Next != time.Minute {
			t.Errorf("claimed %d lanes, next lane due in %v; want none, in 1m", len(got.Leases), got.Next)
		}
		clock.advance(time.Minute)
		again := claimOne(t, b)
		if again.Event.ID != first.ID || string(again.Progress) != "plan" {
			t.Errorf("after the delay: event %s, progress %q; want %s with its progress", again.Event.ID, again.Progress, first.ID)
		}
		complete(t, b, again, nil)
		last := claimOne(t, b)
		if last.Event.ID != second.ID || last.Progress != nil {
			t.Errorf("then: event %s, progress %q; want %s without progress", last.Event.ID, last.Progress, second.ID)
		}
	})
}

func TestAWorkerThatHasLostItsLeaseChangesNothing(t *testing.T) {
	for name, act := range map[string]func(*testing.T, *inbox.Inbox, *inbox.Lease) error{
		"save": func(t *testing.T, b *inbox.Inbox, c *inbox.Lease) error { return b.Save(t.Context(), c, []byte("x")) },
		"complete": func(t *testing.T, b *inbox.Inbox, c *inbox.Lease) error {
			_, err := b.Complete(t.Context(), c, []byte("{}"), 0)
			return err
		},
		"retry": func(t *testing.T, b *inbox.Inbox, c *inbox.Lease) error {
			return b.Retry(t.Context(), c, 0, []byte("x"), []byte("{}"))
		},
		"dead-letter": func(t *testing.T, b *inbox.Inbox, c *inbox.Lease) error {
			return b.DeadLetter(t.Context(), c, []byte("x"), []byte("{}"))
		},
		"renew": func(t *testing.T, b *inbox.Inbox, c *inbox.Lease) error {
			lost, err := b.Renew(t.Context(), []*inbox.Lease{c})
			if len(lost) == 1 && lost[0] == c {
				return inbox.ErrLeaseLost
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				clock := newClock()
				b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
				e := newEvent("u", "k")
				accept(t, b, e)
				old := claimOne(t, b)
				clock.advance(lease)
				holder := claimOne(t, b)

				if err := act(t, b, old); !errors.Is(err, inbox.ErrLeaseLost) {
					t.Errorf("%v; want ErrLeaseLost", err)
				}
				if entry, err := eventlog.Open(client, b.Space(), eventlog.Limits{}).Get(t.Context(), e.ID); entry != nil || err != nil {
					t.Errorf("the log has %v, %v; want no entry", entry, err)
				}
				if holder.Event.ID != e.ID || holder.Progress != nil {
					t.Errorf("the new lease has event %s, progress %q", holder.Event.ID, holder.Progress)
				}
				complete(t, b, holder, nil)
			})
		})
	}
}

func TestALeaseCanFinishItsEventOnlyOnce(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		accept(t, b, newEvent("u", "1"), newEvent("u", "2"))
		c := claimOne(t, b)
		complete(t, b, c, nil)
		if _, err := b.Complete(t.Context(), c, nil, 0); !errors.Is(err, inbox.ErrLeaseLost) {
			t.Errorf("the second Complete returned %v; want ErrLeaseLost", err)
		}
		if got := depth(t, b); got != 1 {
			t.Errorf("depth %d; want 1", got)
		}
	})
}

func TestALaneIsNotClaimedWhileItsLeaseIsRenewed(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		accept(t, b, newEvent("u", "k"))
		c := claimOne(t, b)
		before := c.Deadline()
		clock.advance(lease - time.Second)
		if lost, err := b.Renew(t.Context(), []*inbox.Lease{c}); len(lost) != 0 || err != nil {
			t.Fatalf("renew: %d lost, %v", len(lost), err)
		}
		if !c.Deadline().After(before) {
			t.Error("Renew did not move the deadline")
		}
		clock.advance(lease - time.Second)
		if got := claim(t, b); len(got.Leases) != 0 || got.Next != time.Second {
			t.Errorf("claimed %d lanes, next lane due in %v; want none, in 1s", len(got.Leases), got.Next)
		}
		complete(t, b, c, nil)
	})
}

func TestAFullInboxRejectsARequestAsAWhole(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{Limits: inbox.Limits{MaxInFlight: 3}})
		accept(t, b, newEvent("u", "1"), newEvent("u", "2"))

		_, err := b.Accept(t.Context(), []*event.Event{newEvent("u", "3"), newEvent("u", "4")}, nil)
		if full, is := errors.AsType[*inbox.FullError](err); !is || full.Limit != inbox.LimitQueue {
			t.Errorf("%v; want a FullError for LimitQueue", err)
		}
		if got := depth(t, b); got != 2 {
			t.Errorf("depth %d; want 2", got)
		}
		receipts := accept(t, b, newEvent("u", "1"), newEvent("u", "3"), newEvent("u", "2"))
		for i, want := range []bool{true, false, true} {
			if receipts[i].Duplicate != want {
				t.Errorf("receipt %d: %+v; want a duplicate: %v", i, receipts[i], want)
			}
		}
		b.Configure(inbox.Limits{Window: window, MaxInFlight: 4})
		accept(t, b, newEvent("u", "4"))
	})
}

func TestFinishingAnEventWritesItsLogRecord(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(*testing.T, *inbox.Inbox, *inbox.Lease, []byte) error
		want eventlog.Status
	}{
		"complete": {want: eventlog.Succeeded, end: func(t *testing.T, b *inbox.Inbox, c *inbox.Lease, record []byte) error {
			_, err := b.Complete(t.Context(), c, record, 0)
			return err
		}},
		"retry": {want: eventlog.Retrying, end: func(t *testing.T, b *inbox.Inbox, c *inbox.Lease, record []byte) error {
			return b.Retry(t.Context(), c, 0, nil, record)
		}},
		"dead-letter": {want: eventlog.DeadLettered, end: func(t *testing.T, b *inbox.Inbox, c *inbox.Lease, record []byte) error {
			return b.DeadLetter(t.Context(), c, nil, record)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				b := inboxtest.Open(t, client, inbox.Options{})
				e := newEvent("u", "k")
				accept(t, b, e)
				record := eventlog.Encode(eventlog.Entry{ID: e.ID, Status: tc.want})
				ok(t, tc.end(t, b, claimOne(t, b), record))
				page, err := eventlog.Open(client, b.Space(), eventlog.Limits{}).List(t.Context(), eventlog.Query{})
				ok(t, err)
				if diff := cmp.Diff([]eventlog.Entry{{ID: e.ID, Status: tc.want}}, page.Entries); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestADeadLetterIsStoredWithItsProgress(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		e := newEvent("u", "k")
		accept(t, b, e)
		c := claimOne(t, b)
		ok(t, b.Save(t.Context(), c, []byte("plan")))
		ok(t, b.DeadLetter(t.Context(), c, nil, nil))

		keys := b.Space().Shard(0)
		entry, err := client.Do(t.Context(), client.B().Hget().Key(keys.DeadLetters()).Field(e.ID).Build()).ToString()
		ok(t, err)
		progress, err := client.Do(t.Context(), client.B().Hget().Key(keys.DeadLetterProgress()).Field(e.ID).Build()).ToString()
		ok(t, err)
		_, encoded, _ := strings.Cut(entry, " ")
		if encoded != string(e.Append(nil)) || progress != "plan" {
			t.Errorf("stored %q and %q", entry, progress)
		}
	})
}
