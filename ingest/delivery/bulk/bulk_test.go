// SPDX-License-Identifier: Apache-2.0

package bulk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/delivery/bulk"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func TestAFullBatchLeavesAtOnceAndTheNextAnIntervalAfterItsAnswer(t *testing.T) {
	f := &fake{latency: 50 * time.Millisecond, duration: 2 * time.Second}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		start := time.Now()
		for user, outcome := range join(t, b, rows(2500)...).wait() {
			if outcome.Result != bulk.Identified || outcome.Operation == "" || outcome.Response.Status != 200 {
				t.Errorf("%s: %+v", user, outcome)
			}
		}
		var sizes []int
		var after []time.Duration
		for i, batch := range f.batches {
			sizes, after = append(sizes, len(batch)), append(after, f.times[i].Sub(start))
		}
		if diff := cmp.Diff([]int{1000, 1000, 500}, sizes); diff != "" {
			t.Errorf("rows of each call (-want +got)\n%s", diff)
		}
		want := []time.Duration{0, 1050 * time.Millisecond, 2100 * time.Millisecond}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Errorf("times of the calls (-want +got)\n%s", diff)
		}
	})
}

func TestTheFirstRowWaitsATenthOfASecondForOthers(t *testing.T) {
	f := &fake{}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		start := time.Now()
		first := join(t, b, row("u1", 0))
		<-time.After(90 * time.Millisecond)
		second := join(t, b, row("u2", 0))
		first.wait()
		second.wait()
		if len(f.batches) != 1 || len(f.batches[0]) != 2 || f.times[0].Sub(start) != 100*time.Millisecond {
			t.Errorf("calls %v at %v", f.batches, f.times)
		}
	})
}

func TestTheRowsOfTheOldestEventsGoFirst(t *testing.T) {
	f := &fake{}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		join(t, b, row("first", 0)).wait() // the next call is made a second later
		all := rows(1500)
		slices.Reverse(all)
		join(t, b, all...).wait()
		for i := range 1000 {
			if user := fmt.Sprintf("u%d", i); f.batches[1][i] != user {
				t.Fatalf("row %d of the call is of user %s; want %s", i, f.batches[1][i], user)
			}
		}
	})
}

func TestACallHasAtMostFiveMebibytes(t *testing.T) {
	f := &fake{}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		all := rows(60)
		for i := range all {
			all[i].User.Body = json.RawMessage(`{"name":"` + strings.Repeat("x", 200<<10) + `"}`)
		}
		join(t, b, all...).wait()
		for _, batch := range f.batches {
			if len(batch) > 25 {
				t.Errorf("a call has %d rows of 200 KiB", len(batch))
			}
		}
	})
}

func TestASecondRowOfAUserIsNotSent(t *testing.T) {
	f := &fake{duration: 2 * time.Second}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		first := join(t, b, row("u1", 0))
		for range 2 { // while the first row waits, and while its operation is in progress
			if outcome, ok := b.Identify(t.Context(), nil, row("u1", 0)); !ok || outcome.Result != bulk.NotSent {
				t.Errorf("the second row: %+v, %t", outcome, ok)
			}
			<-time.After(time.Second)
		}
		first.wait()
		if outcome, ok := b.Identify(t.Context(), nil, row("u1", 0)); !ok || outcome.Result != bulk.Identified {
			t.Errorf("after the end of the first row: %+v, %t", outcome, ok)
		}
	})
}

func TestARowWhoseLeaseIsAlmostOverIsNotSent(t *testing.T) {
	f := &fake{}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		late := row("late", 0)
		late.Left = func() time.Duration { return time.Second }
		outcomes := join(t, b, late, row("u1", 0)).wait()
		if outcomes["late"].Result != bulk.NotSent || outcomes["u1"].Result != bulk.Identified || len(f.batches[0]) != 1 {
			t.Errorf("outcomes %v, calls %v", outcomes, f.batches)
		}
	})
}

func TestACallTakesAtMostTheTimeThatEachRowAllows(t *testing.T) {
	f := &fake{latency: time.Hour}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		short := row("u1", 0)
		short.Left = func() time.Duration { return 5 * time.Second }
		for user, outcome := range join(t, b, row("u2", 0), short).wait() {
			if outcome.Result != bulk.Failed || !outcome.Pending || outcome.Took != 5*time.Second {
				t.Errorf("%s: %+v", user, outcome)
			}
		}
	})
}

func TestAStopReleasesTheRowsThatWaitAndNotThoseThatWereSent(t *testing.T) {
	f := &fake{duration: 3 * time.Second}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		stop := make(chan struct{})
		outcomes := make(chan string, 1001)
		for _, r := range rows(1001) {
			go func() {
				outcome, ok := b.Identify(t.Context(), stop, r)
				outcomes <- fmt.Sprint(outcome.Result, ok)
			}()
		}
		<-time.After(500 * time.Millisecond)
		close(stop)
		got := map[string]int{}
		for range 1001 {
			got[<-outcomes]++
		}
		want := map[string]int{fmt.Sprint(bulk.Identified, true): 1000, fmt.Sprint(bulk.NotSent, true): 1}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestARowWhoseLeaseIsLostLeaves(t *testing.T) {
	f := &fake{duration: time.Hour}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan bool, 2)
		identify := func(user string) {
			_, ok := b.Identify(ctx, nil, row(user, 0))
			ended <- ok
		}
		go identify("sent")
		<-time.After(time.Second)
		go identify("waiting")
		synctest.Wait()
		cancel()
		if first, second := <-ended, <-ended; first || second {
			t.Error("a row has an outcome after its context has ended")
		}
		<-time.After(10 * time.Second)
		polls := f.polls
		<-time.After(time.Minute)
		if len(f.batches) != 1 || f.polls != polls {
			t.Errorf("calls %v; %d more polls after the last row had left", f.batches, f.polls-polls)
		}
	})
}

func TestTheBatcherIsBoundedAndReturnsEventsInOrder(t *testing.T) {
	f := &fake{duration: time.Hour}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		ctx, cancel := context.WithCancel(t.Context())
		for _, r := range rows(6000) {
			go func() { _, _ = b.Identify(ctx, nil, r) }()
		}
		synctest.Wait()
		if _, ok := b.Enter(time.Time{}.Add(7000*time.Second), true); ok {
			t.Error("a row may join although the process is short of memory")
		}
		first, ok := b.Enter(time.Time{}.Add(7001*time.Second), false)
		second, okToo := b.Enter(time.Time{}.Add(7002*time.Second), false)
		if ok || okToo || first < time.Second || second != first+time.Millisecond {
			t.Errorf("a full batcher returned events for %v and %v", first, second)
		}
		if _, ok := b.Enter(time.Time{}.Add(7001*time.Second), false); !ok {
			t.Error("an event that has been away may not join")
		}
		cancel()
		synctest.Wait()
		if _, ok := b.Enter(time.Time{}.Add(8000*time.Second), false); ok {
			t.Error("an event overtakes older events that are away")
		}
		<-time.After(second + time.Second)
		if _, ok := b.Enter(time.Time{}.Add(9000*time.Second), false); !ok {
			t.Error("an event may not join an empty batcher")
		}
	})
}

func TestAfterAFailedCallNoRowMayJoinForAWhile(t *testing.T) {
	f := &fake{}
	run(t, f, func(t *testing.T, b *bulk.Batcher) {
		received := time.Time{}.Add(time.Hour)
		var blocks []time.Duration
		for range 6 {
			f.start = func([]string) (knock.BulkOperation, error) {
				return knock.BulkOperation{}, rejection(http.StatusBadGateway)
			}
			join(t, b, row("u1", 0)).wait()
			back, ok := b.Enter(received, false)
			if ok {
				t.Error("a row may join after a failed call")
			}
			blocks = append(blocks, back.Truncate(100*time.Millisecond))
			<-time.After(back)
			if _, ok := b.Enter(received, false); !ok {
				t.Error("no row may join after the block")
			}
		}
		want := []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second}
		if diff := cmp.Diff(want, blocks); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		f.start = nil
		join(t, b, row("u1", 0)).wait()
		if _, ok := b.Enter(received.Add(time.Hour), false); !ok {
			t.Error("no row may join after a success")
		}
	})
}
