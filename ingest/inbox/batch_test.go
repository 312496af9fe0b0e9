// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestATransitionThatFailsDoesNotAffectTheOthersOfItsGroup(t *testing.T) {
	client := &gate{Client: redistest.Start(t).Client(t)}
	clock := newClock()
	b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
	accept(t, b, newEvent("lost", "1"))
	lost := claimOne(t, b)
	clock.advance(lease)
	accept(t, b, newEvent("first", "2"), newEvent("second", "5"), newEvent("broken", "3"), newEvent("good", "4"))
	leases := map[string]*inbox.Lease{}
	for _, l := range claim(t, b).Leases {
		leases[l.Event.OrderingKey] = l
	}
	list := b.Space().Shard(0).Lane(b.Space().Lane("broken").Name)
	ok(t, client.Do(t.Context(), client.B().Set().Key(list).Value("not a list").Build()).Error())

	ok(t, b.Save(t.Context(), leases["good"], []byte("x"))) // loads the script, so that each call is one command
	client.reached, client.release = make(chan struct{}), make(chan struct{})
	results := map[string]error{}
	done := make(chan func())
	start := func(name string, l *inbox.Lease) {
		go func() {
			_, err := b.Complete(t.Context(), l, nil, 0)
			done <- func() { results[name] = err }
		}()
	}
	for _, name := range []string{"first", "second"} {
		start(name, leases[name])
		<-client.reached // the call of this transition is in progress; two is the maximum
	}
	start("lost", lost)
	start("broken", leases["broken"])
	start("good", leases["good"])
	awaitTransitions(t, b, 3)
	client.release <- struct{}{}
	<-client.reached // the call of the other three
	client.release <- struct{}{}
	client.release <- struct{}{}
	for range 5 {
		(<-done)()
	}
	if results["first"] != nil || results["second"] != nil || results["good"] != nil || !errors.Is(results["lost"], inbox.ErrLeaseLost) || results["broken"] == nil {
		t.Errorf("results %v; want nil for first, second and good, ErrLeaseLost for lost, and an error for broken", results)
	}
}

func TestConcurrentTransitionsShareCalls(t *testing.T) {
	client := redistest.Start(t).Client(t)
	b := inboxtest.Open(t, client, inbox.Options{})
	var events []*event.Event
	for i := range 100 {
		events = append(events, newEvent(fmt.Sprint(i), fmt.Sprint(i)))
	}
	accept(t, b, events...)
	leases := claim(t, b).Leases
	before := commandCalls(t, client, "evalsha")
	var group errgroup.Group
	for _, l := range leases {
		group.Go(func() error {
			_, err := b.Complete(t.Context(), l, nil, 0)
			return err
		})
	}
	ok(t, group.Wait())
	if calls := commandCalls(t, client, "evalsha") - before; calls > 25 || depth(t, b) != 0 {
		t.Errorf("%d calls for 100 transitions, depth %d", calls, depth(t, b))
	}
}

func TestCompleteContinuesTheLaneIfTheNextEventFits(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		first, second, third := newEvent("u", "1"), newEvent("u", "2"), newEvent("u", "3")
		third.Body = []byte(`{"a":"` + strings.Repeat("x", 1000) + `"}`)
		accept(t, b, first, second, third)
		held := claimOne(t, b)
		var next *inbox.Lease
		for range 2 { // the second call repeats the first one, as after a lost reply
			var err error
			next, err = b.Complete(t.Context(), held, nil, 500)
			ok(t, err)
			if next == nil || next.Event.ID != second.ID {
				t.Fatalf("the next event is %+v; want the second one", next)
			}
			if got := claim(t, b); len(got.Leases) != 0 || got.Next != lease {
				t.Fatalf("claimed %d lanes, next due in %v; want none, in %v", len(got.Leases), got.Next, lease)
			}
			if got := depth(t, b); got != 2 {
				t.Fatalf("depth %d; want 2", got)
			}
			if err := b.Save(t.Context(), next, []byte("x")); err != nil {
				t.Fatalf("save under the next lease: %v", err)
			}
		}
		tooLarge, err := b.Complete(t.Context(), next, nil, 500)
		ok(t, err)
		if tooLarge != nil {
			t.Fatalf("the next event is %s, which has more than 500 bytes; want none", tooLarge.Event.ID)
		}
		if got := claimOne(t, b); got.Event.ID != third.ID {
			t.Errorf("the last event is %s; want the third one", got.Event.ID)
		}
	})
}

func TestClaimReturnsTheEventsThatFitAndReleasesTheOtherLanesInOrder(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		for i := range 4 {
			e := newEvent(fmt.Sprint(i), "")
			e.Body = []byte(strings.Repeat("x", 1000))
			accept(t, b, e)
			clock.advance(time.Second)
		}
		for _, want := range [][]string{{"0", "1"}, {"2", "3"}} {
			claimed, err := b.Claim(t.Context(), 0, 100, 1500)
			ok(t, err)
			var users []string
			for _, l := range claimed.Leases {
				users = append(users, l.Event.OrderingKey)
			}
			if strings.Join(users, "") != strings.Join(want, "") {
				t.Errorf("claimed %v; want %v", users, want)
			}
		}
	})
}

func TestALaneThatCannotBeReadDoesNotAffectTheOthersOfItsClaim(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		for i := range 50 {
			accept(t, b, newEvent(fmt.Sprint(i), ""))
		}
		list := b.Space().Shard(0).Lane(b.Space().Lane("7").Name)
		ok(t, client.Do(t.Context(), client.B().Set().Key(list).Value("not a list").Build()).Error())
		if got := claim(t, b); len(got.Leases) != 49 || got.Unreadable != 1 {
			t.Errorf("%d lanes claimed, %d unreadable; want 49 and 1", len(got.Leases), got.Unreadable)
		}
	})
}

func TestLanesCanBeClaimedAfterTheClockOfRedisHasGoneBack(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		clock := newClock()
		b := inboxtest.Open(t, client, inbox.Options{Now: clock.now})
		accept(t, b, newEvent("before", ""))
		clock.advance(-30 * time.Minute)
		accept(t, b, newEvent("after", ""))
		if got := claim(t, b); len(got.Leases) != 2 {
			t.Fatalf("claimed %d lanes; want both", len(got.Leases))
		}
		clock.advance(2 * lease)
		if got := claim(t, b); len(got.Leases) != 2 {
			t.Errorf("claimed %d lanes after twice the lease; want both", len(got.Leases))
		}
	})
}

func TestTheNextClaimEndsTheLeasesOfAClaimWhoseReplyWasLost(t *testing.T) {
	client := &losing{Client: redistest.Start(t).Client(t)}
	b := inboxtest.Open(t, client, inbox.Options{})
	accept(t, b, newEvent("u", ""), newEvent("v", ""))
	client.lose = true
	if _, err := b.Claim(t.Context(), 0, 100, 0); !errors.Is(err, inbox.ErrUnavailable) {
		t.Fatalf("%v; want ErrUnavailable", err)
	}
	client.lose = false
	if got := claim(t, b); len(got.Leases) != 2 {
		t.Errorf("claimed %d lanes; want both, because no worker received the lost leases", len(got.Leases))
	}
}

// losing is a client that executes scripts and, while lose is true, loses their replies.
type losing struct {
	rueidis.Client
	lose bool
}

func (c *losing) Do(ctx context.Context, command rueidis.Completed) rueidis.RedisResult {
	result := c.Client.Do(ctx, command)
	if c.lose {
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		return c.Client.Do(canceled, c.B().Ping().Build())
	}
	return result
}

func TestAnUnmappedEventIsFinishedAndItsKeyIsRemembered(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{})
		unmapped := func(e *event.Event) ([]byte, bool) {
			return fmt.Appendf(nil, `{"id":%q,"status":"skipped"}`, e.ID), true
		}
		for i, want := range []bool{false, true} {
			receipts, err := b.Accept(t.Context(), []*event.Event{newEvent("u", "k"), newEvent("v", "k")}, unmapped)
			ok(t, err)
			if receipts[0].Duplicate != want || receipts[0].Unmapped == want || !receipts[1].Duplicate {
				t.Errorf("call %d: %+v; want the second event, and in the second call both, to be duplicates", i, receipts)
			}
		}
		if got := claim(t, b); len(got.Leases) != 0 || depth(t, b) != 0 {
			t.Errorf("claimed %d lanes, depth %d; want none", len(got.Leases), depth(t, b))
		}
	})
}

func TestTheLogRecordsOfUnmappedEventsDoNotPushOutOthers(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		b := inboxtest.Open(t, client, inbox.Options{Limits: inbox.Limits{Window: window, Log: eventlog.Limits{MaxEvents: 100}}})
		accept(t, b, newEvent("delivered", ""))
		lease := claimOne(t, b)
		complete(t, b, lease, record(lease, eventlog.Succeeded))
		unmapped := func(e *event.Event) ([]byte, bool) {
			return eventlog.Encode(eventlog.Entry{ID: e.ID, Status: eventlog.Skipped}), e.OrderingKey != "mapped"
		}
		var last *event.Event
		for range 5 {
			var events []*event.Event
			for range 30 {
				last = newEvent("u", "")
				events = append(events, last)
			}
			receipts, err := b.Accept(t.Context(), append(events, newEvent("mapped", "")), unmapped)
			ok(t, err)
			if !receipts[0].Unmapped || receipts[30].Unmapped {
				t.Fatalf("receipts %+v", receipts)
			}
		}
		log := eventlog.Open(client, b.Space(), eventlog.Limits{MaxEvents: 100})
		page, err := log.List(t.Context(), eventlog.Query{Limit: 1000})
		ok(t, err)
		statuses := map[eventlog.Status]int{}
		for _, entry := range page.Entries {
			statuses[entry.Status]++
		}
		want := map[eventlog.Status]int{eventlog.Succeeded: 1, eventlog.Skipped: 10}
		if diff := cmp.Diff(want, statuses); diff != "" {
			t.Errorf("entries (-want +got):\n%s", diff)
		}
		if entry, err := log.Get(t.Context(), last.ID); err != nil || entry == nil {
			t.Errorf("the entry of the last event: %+v, %v", entry, err)
		}
		if got := depth(t, b); got != 5 {
			t.Errorf("depth %d; want the 5 mapped events", got)
		}
	})
}
