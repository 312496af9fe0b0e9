// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// newLimiter returns a limiter of this many calls a second.
func newLimiter(rate int32) *limiter {
	return newLimiters(map[string]int32{string(knock.IdentifyUser): rate}, time.Now).forEndpoint(knock.IdentifyUser)
}

// acquire waits until the limiter allows a call, as an executor does: an event that is deferred comes back after its delay.
func acquire(l *limiter) {
	for {
		wait, ok := l.reserve()
		elapse(wait)
		if !ok {
			continue
		}
		wait, blocked := l.blocked()
		if !blocked {
			return
		}
		elapse(wait)
	}
}

func TestEachEndpointHasKnocksLimitUnlessTheSourceSetsAnother(t *testing.T) {
	limits := newLimiters(map[string]int32{string(knock.MergeUser): 2}, time.Now)
	for _, name := range knock.Endpoints() {
		want := float64(name.Rate())
		if name == knock.MergeUser {
			want = 2
		}
		if got := limits.forEndpoint(name).limit; got != want {
			t.Errorf("%s: %v calls a second; want %v", name, got, want)
		}
	}
}

func TestNoSecondHasMoreCallsThanTheLimit(t *testing.T) {
	for _, rate := range []int32{1, 5, 60, 1000} {
		synctest.Test(t, func(t *testing.T) {
			l, start := newLimiter(rate), time.Now()
			var calls []time.Time
			for time.Since(start) < time.Minute {
				acquire(l)
				calls = append(calls, time.Now())
			}
			for i, first := range calls {
				if after := i + int(rate); after < len(calls) && calls[after].Sub(first) <= time.Second {
					t.Fatalf("limit %d: %d calls within a second from %v on", rate, rate+1, first.Sub(start))
				}
			}
			if least := int(rate) * 60 * 95 / 100; len(calls) < least {
				t.Errorf("limit %d: %d calls in a minute; want at least %d", rate, len(calls), least)
			}
		})
	}
}

func TestAnIdleLimiterAllowsOneCallAtOnceAndSpacesTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(60)
		elapse(time.Hour)
		if wait, ok := l.reserve(); wait != 0 || !ok {
			t.Errorf("the first call waits %v", wait)
		}
		if wait, ok := l.reserve(); wait < time.Second/60 || wait > time.Second/50 || !ok {
			t.Errorf("the second call waits %v", wait)
		}
	})
}

func TestAnEventThatWouldWaitTooLongIsDeferredAndReservesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(60)
		var waiting, deferred int
		var last time.Duration
		for range 1000 {
			wait, ok := l.reserve()
			if ok && wait > maxWait {
				t.Fatalf("reserved a slot %v ahead", wait)
			}
			if !ok && wait <= last {
				t.Fatalf("deferred for %v after %v: both would come back together", wait, last)
			}
			if ok {
				waiting++
			} else {
				deferred, last = deferred+1, wait
			}
		}
		if waiting < 55 || waiting > 61 {
			t.Errorf("%d events wait; want the calls of one second", waiting)
		}
		if want := time.Duration(deferred) * time.Second / 60; last < want || last > want*11/10+2*maxWait {
			t.Errorf("the last of %d deferred events comes back after %v; want about %v", deferred, last, want)
		}
	})
}

func TestEveryDeferredEventGetsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const events = 600
		l, start := newLimiter(60), time.Now()
		done := make(chan time.Duration, events)
		for range events {
			go func() {
				acquire(l)
				done <- time.Since(start)
			}()
		}
		var took []time.Duration
		for range events {
			took = append(took, <-done)
		}
		if last := slices.Max(took); last > 12*time.Second {
			t.Errorf("the last of %d events had its turn after %v", events, last)
		}
	})
}

func TestA429HalvesTheRateWhichRecoversByATenthASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(60)
		acquire(l)
		for range 20 { // one burst of answers
			l.throttle(0)
		}
		if l.rate != 30 {
			t.Errorf("rate %v after a burst of 429s; want 30", l.rate)
		}
		var rates []float64
		for range 9 {
			elapse(recovery)
			l.reserve()
			rates = append(rates, l.rate)
		}
		if !slices.IsSorted(rates) || rates[0] < 32.9 || rates[0] > 33.1 || rates[8] != 60 {
			t.Errorf("the rate recovers as %v", rates)
		}
		for range 10 {
			l.throttle(0)
			elapse(recovery)
		}
		if l.rate != 1 {
			t.Errorf("rate %v after many 429s; want 1", l.rate)
		}
	})
}

func TestRetryAfterBlocksNewCallsAndCallsThatHaveReservedASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newLimiter(60), time.Now()
		l.reserve()
		wait, ok := l.reserve()
		if !ok {
			t.Fatal("no slot reserved")
		}
		l.throttle(7 * time.Second)
		elapse(wait)
		if wait, blocked := l.blocked(); !blocked || time.Since(start)+wait < 7*time.Second {
			t.Errorf("a call with a slot may be made after %v", time.Since(start)+wait)
		}
		if wait, ok := l.reserve(); ok || time.Since(start)+wait < 7*time.Second {
			t.Errorf("a new call may be made after %v", time.Since(start)+wait)
		}
		elapse(7 * time.Second)
		acquire(l)
		if since := time.Since(start); since > 8*time.Second {
			t.Errorf("calls are allowed only after %v", since)
		}
	})
}

func TestAChangedLimitTakesEffectAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := newLimiters(nil, time.Now)
		l := limits.forEndpoint(knock.DeleteUser)
		acquire(l)
		limits.configure(map[string]int32{string(knock.DeleteUser): 500})
		acquire(l)
		start := time.Now()
		acquire(l)
		if since := time.Since(start); since > 3*time.Millisecond {
			t.Errorf("the next call waits %v", since)
		}
	})
}
