// SPDX-License-Identifier: Apache-2.0

package permits_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// TestAt110PercentOfALimitNoEventOfAnyProcessWaitsMuchLongerThanInAPerfectQueue sends events at an even pace for five
// minutes, faster than the limit allows. Three quarters of them come to the first process. In a perfect queue of all
// processes, each event would have a known wait; 1.2 times that wait is its allowance.
func TestAt110PercentOfALimitNoEventOfAnyProcessWaitsMuchLongerThanInAPerfectQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, arrivals, seconds = 60, 66, 300
		w := newWorld(t, 2, nil)
		var mu sync.Mutex
		var excess, longest, perfect time.Duration
		for i := range arrivals * seconds {
			arrival := time.Duration(float64(i) / arrivals * float64(time.Second))
			elapse(time.Until(w.start.Add(arrival)))
			perfect = max(perfect, arrival)
			ideal := perfect - arrival
			perfect += time.Second / limit
			w.running.Go(func() {
				waited := w.call(i%4/3, knock.IdentifyUser, time.Now())
				mu.Lock()
				defer mu.Unlock()
				excess, longest = max(excess, waited-ideal*12/10), max(longest, waited)
			})
		}
		w.finish(limit)
		if excess > 200*time.Millisecond {
			t.Errorf("an event waited %v more than 1.2 times as long as in a perfect queue", excess)
		}
		if longest > 36*time.Second {
			t.Errorf("an event waited %v; the perfect queue needs 30 s", longest)
		}
		if calls := w.redisCallsPerSecond() / 2; calls > 10 {
			t.Errorf("a process calls Redis %.1f times a second", calls)
		}
	})
}

func TestNoSecondHasMoreCallsThanTheLimitAndTheLimitIsReached(t *testing.T) {
	for _, processes := range []int{1, 3} {
		for _, limit := range []int{1, 5, 60, 1000} {
			t.Run(fmt.Sprintf("%d processes, limit %d", processes, limit), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, processes, map[string]int32{"identifyUser": int32(limit)})
					const seconds = 20
					for process := range processes {
						for range 1 + limit/processes*2 { // enough concurrent callers to keep every process waiting
							w.running.Go(func() {
								for time.Since(w.start) < seconds*time.Second {
									w.call(process, knock.IdentifyUser, time.Now())
								}
							})
						}
					}
					w.finish(limit)
					counted := slices.IndexFunc(w.calls, func(c call) bool { return c.at.Sub(w.start) >= seconds*time.Second })
					if least := limit * seconds * 95 / 100; counted < least {
						t.Errorf("%d calls in %d seconds; want at least %d", counted, seconds, least)
					}
					if calls := w.redisCallsPerSecond() / float64(processes); calls > 10 {
						t.Errorf("a process calls Redis %.1f times a second", calls)
					}
				})
			})
		}
	}
}

// TestBurstsNeverExceedTheLimit makes calls in bursts of random sizes, so that processes often have permits that they do
// not use.
func TestBurstsNeverExceedTheLimit(t *testing.T) {
	for _, limit := range []int{5, 60, 1000} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 3, map[string]int32{"identifyUser": int32(limit)})
			random := rand.New(rand.NewPCG(1, uint64(limit)))
			for time.Since(w.start) < time.Minute {
				for range random.IntN(limit) + 1 {
					process := random.IntN(3)
					w.running.Go(func() { w.call(process, knock.IdentifyUser, time.Now()) })
				}
				elapse(time.Duration(random.Int64N(int64(2 * time.Second))))
			}
			w.finish(limit)
		})
	}
}

func TestAnIdleSourceMakesNoCallsToRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, nil)
		w.call(0, knock.IdentifyUser, time.Now())
		w.call(1, knock.TriggerWorkflow, time.Now())
		before := w.redis.calls.Load()
		elapse(time.Hour)
		if after := w.redis.calls.Load(); before != 2 || after != before {
			t.Errorf("%d calls to Redis for two calls to Knock, and %d in the idle hour after them", before, after-before)
		}
		w.redis.setTime()
		if keys := w.redis.mini.Keys(); len(keys) > 0 {
			t.Errorf("Redis still has the keys %v", keys)
		}
		w.finish(60)
	})
}

func TestAVeryHighLimitCostsFewCallsToRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, map[string]int32{"triggerWorkflow": 1_000_000})
		const seconds, arrivals = 5, 2000
		var longest time.Duration
		for range seconds * arrivals {
			for process := range 2 {
				began := time.Now()
				w.call(process, knock.TriggerWorkflow, began)
				longest = max(longest, time.Since(began))
			}
			elapse(time.Second / arrivals)
		}
		w.finish(1_000_000)
		if calls := w.redisCallsPerSecond() / 2; calls > 10 {
			t.Errorf("a process calls Redis %.1f times a second", calls)
		}
		if longest > 10*time.Millisecond {
			t.Errorf("a call waited %v", longest)
		}
	})
}

func TestProcessesWithEventsOfTheSameAgeGetEqualShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, nil)
		for i := range 1200 {
			w.running.Go(func() { w.call(i%3, knock.IdentifyUser, w.start.Add(time.Duration(i)*time.Millisecond)) })
		}
		w.finish(60)
		var counts [3]int
		for _, c := range w.calls[:600] {
			counts[c.process]++
		}
		if least := slices.Min(counts[:]); least < 180 {
			t.Errorf("the first 600 calls are divided as %v", counts)
		}
	})
}

func TestTheOldestEventsOfAllProcessesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, nil)
		for i := range 600 {
			process := 0
			if i < 300 {
				process = 1 // has the older events, and asks later
			}
			w.running.Go(func() {
				elapse(time.Duration(process) * 100 * time.Millisecond)
				w.call(process, knock.IdentifyUser, w.start.Add(time.Duration(i-600)*time.Second))
			})
		}
		w.finish(60)
		early := 0
		for _, c := range w.calls[:300] {
			if c.process == 0 {
				early++
			}
		}
		if early > 30 { // half a second
			t.Errorf("%d of the first 300 calls are for younger events", early)
		}
	})
}

func TestRetryAfterInOneProcessPausesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, nil)
		for i := range 300 {
			w.running.Go(func() { w.call(i%2, knock.IdentifyUser, w.start) })
		}
		elapse(time.Second)
		throttled := time.Now()
		w.limits[0].Queue(knock.IdentifyUser).Throttle(7 * time.Second)
		elapse(time.Second)
		if wait := w.limits[1].Wait(knock.IdentifyUser); wait < 6*time.Second {
			t.Errorf("the other process expects to wait %v", wait)
		}
		w.finish(60)
		slow := 0
		for _, c := range w.calls {
			switch since := c.at.Sub(throttled); {
			case since > 250*time.Millisecond && since < 6990*time.Millisecond:
				t.Errorf("process %d makes a call %v after the 429", c.process, since)
			case since > 7*time.Second && since < 9*time.Second:
				slow++
			}
		}
		if slow < 55 || slow > 70 { // half the rate at first
			t.Errorf("%d calls in the first two seconds after the pause", slow)
		}
	})
}

func TestWithoutRedisEachProcessUsesItsLastKnownShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 3, nil)
		for i := range 3600 {
			w.running.Go(func() { w.call(i%3, knock.IdentifyUser, w.start.Add(time.Duration(i)*time.Millisecond)) })
		}
		elapse(10 * time.Second)
		w.redis.down.Store(true)
		elapse(20 * time.Second)
		w.redis.down.Store(false)
		w.finish(100) // a process may use all of the limit for a second in which the others still use their shares
		counted := [3]int{}
		for _, c := range w.calls {
			if since := c.at.Sub(w.start); since > 12*time.Second && since < 30*time.Second {
				counted[c.process]++
			}
		}
		for process, count := range counted {
			if count < 18*20*90/100 || count > 18*20 {
				t.Errorf("process %d made %d calls in 18 seconds without Redis; want about 360", process, count)
			}
		}
		if took := time.Since(w.start); took > 65*time.Second {
			t.Errorf("3600 calls took %v", took)
		}
	})
}

func TestAChangeOfRedisClockNeitherStopsCallsNorExceedsTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, nil)
		for i := range 1800 {
			w.running.Go(func() { w.call(i%2, knock.IdentifyUser, w.start.Add(time.Duration(i)*time.Millisecond)) })
		}
		for _, jump := range []time.Duration{-time.Hour, 3 * time.Hour} {
			elapse(8 * time.Second)
			w.redis.jump(jump)
		}
		w.running.Wait()
		if took := time.Since(w.start); took > 32*time.Second {
			t.Errorf("1800 calls took %v", took)
		}
		w.finish(60 + 12) // for one second after a jump, permits from before and after it overlap
	})
}

func TestASlowRedisDoesNotLowerTheRate(t *testing.T) {
	for _, delay := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 2, nil)
			for process := range 2 { // connects, and loads the script; a first reply after a second would be too late
				w.call(process, knock.IdentifyUser, w.start)
			}
			w.redis.delay.Store(int64(delay))
			for i := range 1500 {
				w.running.Go(func() { w.call(i%2, knock.IdentifyUser, w.start.Add(time.Duration(i)*time.Millisecond)) })
			}
			w.finish(75) // while the processes learn how long Redis takes, their permits overlap
			counted := 0
			for _, c := range w.calls {
				if since := c.at.Sub(w.start); since > 5*time.Second && since <= 20*time.Second { // the delay is known then
					counted++
				}
			}
			if counted < 15*55 {
				t.Errorf("with replies after %v, there are %d calls in 15 seconds", delay, counted)
			}
		})
	}
}

// TestKnockAnswersNo429AtItsPublishedLimits runs three processes that always have calls to make, for endpoints of four
// limits, against a fake with Knock's limits. Each call takes up to 4 ms to reach the fake.
func TestKnockAnswersNo429AtItsPublishedLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const seconds = 30
		w := newWorld(t, 3, nil)
		fake := knocktest.Handler(knocktest.WithRateLimits(nil), knocktest.WithClock(time.Now))
		paths := map[knock.Endpoint]string{
			knock.IdentifyUser: "PUT /v1/users/u {}", knock.DeleteUser: "DELETE /v1/users/u",
			knock.BulkIdentify:   `POST /v1/users/bulk/identify {"users":[{"id":"u"}]}`,
			knock.CancelWorkflow: `POST /v1/workflows/w/cancel {"cancellation_key":"k"}`,
		}
		statuses := map[knock.Endpoint]map[int]int{}
		for endpoint, path := range paths {
			statuses[endpoint] = map[int]int{}
			for caller := range 3 * (2 + min(endpoint.Rate(), 100)) {
				w.running.Go(func() {
					random := rand.New(rand.NewPCG(uint64(caller), 1))
					for time.Since(w.start) < seconds*time.Second {
						w.call(int(caller%3), endpoint, time.Now())
						elapse(time.Duration(random.Int64N(int64(4 * time.Millisecond))))
						status := send(fake, path)
						w.mu.Lock()
						statuses[endpoint][status]++
						w.mu.Unlock()
					}
				})
			}
		}
		w.finish(2000) // the fake checks the limits
		for endpoint, counts := range statuses {
			calls := 0
			for status, count := range counts {
				calls += count
				if status >= 300 {
					t.Errorf("%s: %d calls get the status %d", endpoint, count, status)
				}
			}
			if least := int(endpoint.Rate()) * seconds * 95 / 100; calls < least {
				t.Errorf("%s: %d calls in %d seconds; want at least %d", endpoint, calls, seconds, least)
			}
		}
		if calls := w.redisCallsPerSecond() / 3; calls > 20 {
			t.Errorf("a process calls Redis %.1f times a second for four endpoints", calls)
		}
	})
}

// send sends a request, METHOD PATH BODY, and returns the status of the response.
func send(fake http.Handler, text string) int {
	method, rest, _ := strings.Cut(text, " ")
	path, body, _ := strings.Cut(rest, " ")
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+knocktest.APIKey)
	request.Header.Set("Content-Type", "application/json")
	response := httptest.NewRecorder()
	fake.ServeHTTP(response, request)
	return response.Code
}
