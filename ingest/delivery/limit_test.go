// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func newLimiter(rate int32) *limiter {
	return newLimiters(map[string]int32{string(knock.IdentifyUser): rate}, time.Now).of(knock.IdentifyUser)
}

// take waits for the limit as a worker does, coming back when it is sent away.
func take(l *limiter) {
	for {
		wait, ok := l.reserve()
		pass(wait)
		if !ok {
			continue
		}
		wait, shut := l.shut()
		if !shut {
			return
		}
		pass(wait)
	}
}

func TestEachEndpointHasKnocksLimitUnlessTheSourceSaysOtherwise(t *testing.T) {
	limits := newLimiters(map[string]int32{string(knock.MergeUser): 2}, time.Now)
	for _, name := range knock.Endpoints() {
		want := float64(name.Rate())
		if name == knock.MergeUser {
			want = 2
		}
		if got := limits.of(name).most; got != want {
			t.Errorf("%s: %v a second, want %v", name, got, want)
		}
	}
}

func TestNoSecondOfAMinuteHasMoreCallsThanTheLimit(t *testing.T) {
	for _, rate := range []int32{1, 5, 60, 1000} {
		synctest.Test(t, func(t *testing.T) {
			l, start := newLimiter(rate), time.Now()
			var calls []time.Time
			for time.Since(start) < time.Minute {
				take(l)
				calls = append(calls, time.Now())
			}
			for i, first := range calls {
				if after := i + int(rate); after < len(calls) && calls[after].Sub(first) <= time.Second {
					t.Fatalf("limit %d: %d calls from %v on", rate, rate+1, first.Sub(start))
				}
			}
			if least := int(rate) * 60 * 95 / 100; len(calls) < least {
				t.Errorf("limit %d: %d calls in a minute, want %d", rate, len(calls), least)
			}
		})
	}
}

func TestAnIdleLimiterLetsOneCallThroughAtOnceAndSpacesTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(60)
		pass(time.Hour)
		if wait, ok := l.reserve(); wait != 0 || !ok {
			t.Errorf("the first waits %v", wait)
		}
		if wait, ok := l.reserve(); wait < time.Second/60 || wait > time.Second/50 || !ok {
			t.Errorf("the second waits %v", wait)
		}
	})
}

func TestWhoeverWouldWaitTooLongIsSentAwayAndTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(60)
		var waiting, away int
		var last time.Duration
		for range 1000 {
			wait, ok := l.reserve()
			if ok && wait > maxWait {
				t.Fatalf("reserved %v ahead", wait)
			}
			if !ok && wait <= last {
				t.Fatalf("sent away for %v after %v: they would come back together", wait, last)
			}
			if ok {
				waiting++
			} else {
				away, last = away+1, wait
			}
		}
		if waiting < 55 || waiting > 61 {
			t.Errorf("%d wait; want a second's calls", waiting)
		}
		if want := time.Duration(away) * time.Second / 60; last < want || last > want*11/10+2*maxWait {
			t.Errorf("the last of %d comes back after %v; want about %v", away, last, want)
		}
	})
}

func TestDeferredUsersAllGetTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const users = 600
		l, start := newLimiter(60), time.Now()
		done := make(chan time.Duration, users)
		for range users {
			go func() {
				take(l)
				done <- time.Since(start)
			}()
		}
		var took []time.Duration
		for range users {
			took = append(took, <-done)
		}
		if last := slices.Max(took); last > 12*time.Second {
			t.Errorf("the last of %d had its turn after %v", users, last)
		}
	})
}

func TestA429HalvesTheRateWhichRecoversByATenthASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(60)
		take(l)
		for range 20 { // one burst of answers
			l.refused(0)
		}
		if l.rate != 30 {
			t.Errorf("rate %v after a burst of 429s, want 30", l.rate)
		}
		var rates []float64
		for range 9 {
			pass(recovery)
			l.reserve()
			rates = append(rates, l.rate)
		}
		if !slices.IsSorted(rates) || rates[0] < 32.9 || rates[0] > 33.1 || rates[8] != 60 {
			t.Errorf("recovers as %v", rates)
		}
		for range 10 {
			l.refused(0)
			pass(recovery)
		}
		if l.rate != 1 {
			t.Errorf("rate %v after many 429s, want 1", l.rate)
		}
	})
}

func TestRetryAfterHoldsCallsThoseThatWaitTheirMomentToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newLimiter(60), time.Now()
		l.reserve()
		wait, ok := l.reserve()
		if !ok {
			t.Fatal("no moment reserved")
		}
		l.refused(7 * time.Second)
		pass(wait)
		if away, shut := l.shut(); !shut || time.Since(start)+away < 7*time.Second {
			t.Errorf("a waiting call goes on at %v", time.Since(start)+away)
		}
		if wait, ok := l.reserve(); ok || time.Since(start)+wait < 7*time.Second {
			t.Errorf("a new call goes on at %v", time.Since(start)+wait)
		}
		pass(7 * time.Second)
		take(l)
		if since := time.Since(start); since > 8*time.Second {
			t.Errorf("calls go on only after %v", since)
		}
	})
}

func TestAChangedLimitCountsFromNowOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := newLimiters(nil, time.Now)
		l := limits.of(knock.DeleteUser)
		take(l)
		limits.configure(map[string]int32{string(knock.DeleteUser): 500})
		take(l)
		start := time.Now()
		take(l)
		if since := time.Since(start); since > 3*time.Millisecond {
			t.Errorf("the next call waits %v", since)
		}
	})
}
