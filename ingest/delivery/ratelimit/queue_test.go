// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func TestEachEndpointHasKnocksLimitUnlessTheSourceSetsAnother(t *testing.T) {
	limits := New(map[string]int32{string(knock.MergeUser): 2}, nil)
	for _, name := range knock.Endpoints() {
		want := float64(name.Rate())
		if name == knock.MergeUser {
			want = 2
		}
		if got := limits.Queue(name).pace.limit; got != want {
			t.Errorf("%s: %v calls a second; want %v", name, got, want)
		}
	}
}

func TestAnEndpointOfANewerVersionHasAQueue(t *testing.T) {
	if q := New(nil, nil).Queue("inventedLater"); q == nil || !q.Wait(t.Context(), nil, time.Time{}) {
		t.Error("a call to an unknown endpoint gets no turn")
	}
}

func TestNoSecondHasMoreCallsThanTheLimit(t *testing.T) {
	for _, rate := range []float64{1, 5, 60, 1000} {
		synctest.Test(t, func(t *testing.T) {
			q, start := newQueue("", rate, nil), time.Now()
			var calls []time.Time
			for time.Since(start) < time.Minute {
				acquire(t, q, time.Now())
				calls = append(calls, time.Now())
			}
			for i, first := range calls {
				if after := i + int(rate); after < len(calls) && calls[after].Sub(first) <= time.Second {
					t.Fatalf("limit %v: %v calls within a second from %v on", rate, rate+1, first.Sub(start))
				}
			}
			if least := int(rate) * 60 * 95 / 100; len(calls) < least {
				t.Errorf("limit %v: %d calls in a minute; want at least %d", rate, len(calls), least)
			}
		})
	}
}

func TestAnIdleQueueAllowsOneCallAtOnceAndSpacesTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue("", 60, nil)
		elapse(time.Hour)
		start := time.Now()
		acquire(t, q, start)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the first call waited %v", waited)
		}
		acquire(t, q, start)
		if waited := time.Since(start); waited < time.Second/60 || waited > time.Second/50 {
			t.Errorf("the second call waited %v", waited)
		}
	})
}

func TestTheOldestEventGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, start := newQueue("", 60, nil), time.Now()
		acquire(t, q, start) // the next calls must wait
		order := make(chan int, 5)
		for _, age := range []int{3, 1, 5, 2, 4} {
			go func() {
				acquire(t, q, start.Add(time.Duration(-age)*time.Second))
				order <- age
			}()
			synctest.Wait()
		}
		got := []int{<-order, <-order, <-order, <-order, <-order}
		if !slices.Equal(got, []int{5, 4, 3, 2, 1}) {
			t.Errorf("the events go in the order of the ages %v", got)
		}
	})
}

func TestACallThatStopsWaitingLeavesItsPlaceToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, start := newQueue("", 1, nil), time.Now()
		acquire(t, q, start)
		stop := make(chan struct{})
		left := make(chan bool)
		go func() { left <- !q.Wait(t.Context(), stop, start) }()
		synctest.Wait()
		close(stop)
		if !<-left || q.waitingCalls() != 0 {
			t.Error("the call still waits")
		}
		acquire(t, q, start)
		if waited := time.Since(start); waited > 1100*time.Millisecond {
			t.Errorf("the next call waited %v", waited)
		}
	})
}

func TestA429HalvesTheRateWhichRecoversByATenthASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue("", 60, nil)
		acquire(t, q, time.Now())
		for range 20 { // one burst of answers
			q.Throttle(0)
		}
		if q.pace.rate != 30 {
			t.Errorf("rate %v after a burst of 429s; want 30", q.pace.rate)
		}
		var rates []float64
		for range 9 {
			elapse(recovery)
			acquire(t, q, time.Now())
			rates = append(rates, q.pace.rate)
		}
		if !slices.IsSorted(rates) || rates[0] < 32.9 || rates[0] > 33.1 || rates[8] != 60 {
			t.Errorf("the rate recovers as %v", rates)
		}
		for range 10 {
			q.Throttle(0)
			elapse(recovery)
		}
		if q.pace.rate != 1 {
			t.Errorf("rate %v after many 429s; want 1", q.pace.rate)
		}
	})
}

func TestRetryAfterBlocksNewCallsAndCallsThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, start := newQueue("", 60, nil), time.Now()
		acquire(t, q, start)
		took := make(chan time.Duration)
		go func() {
			acquire(t, q, start)
			took <- time.Since(start)
		}()
		synctest.Wait()
		q.Throttle(7 * time.Second)
		if !q.Blocked() {
			t.Error("the queue is not blocked")
		}
		if waited := <-took; waited < 7*time.Second || waited > 8*time.Second {
			t.Errorf("the call was made after %v", waited)
		}
	})
}

func TestAChangedLimitTakesEffectAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := New(nil, nil)
		q, start := limits.Queue(knock.DeleteUser), time.Now()
		acquire(t, q, start)
		took := make(chan time.Duration)
		go func() {
			acquire(t, q, start)
			took <- time.Since(start)
		}()
		synctest.Wait()
		limits.Configure(map[string]int32{string(knock.DeleteUser): 500})
		if waited := <-took; waited > 3*time.Millisecond {
			t.Errorf("the next call waited %v", waited)
		}
	})
}

func TestTheExpectedWaitCoversTheCallsThatWaitAndThePauseAfterA429(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := New(nil, nil)
		if wait := limits.Wait(knock.IdentifyUser); wait != 0 {
			t.Errorf("a call to an idle endpoint waits %v", wait)
		}
		q, start := limits.Queue(knock.IdentifyUser), time.Now()
		var running sync.WaitGroup
		for range 121 { // the first call does not wait
			running.Go(func() { acquire(t, q, start) })
			synctest.Wait()
		}
		if wait := limits.Wait(knock.IdentifyUser); wait < 2*time.Second || wait > 2100*time.Millisecond {
			t.Errorf("a call behind 120 others waits %v", wait)
		}
		q.Throttle(7 * time.Second)
		if wait := limits.Wait(knock.IdentifyUser); wait < 9*time.Second {
			t.Errorf("a call behind 120 others waits %v after a 429 that blocks all calls for 7 s", wait)
		}
		running.Wait()
	})
}
