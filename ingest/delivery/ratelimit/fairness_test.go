// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// overload sends events at an even pace for five minutes, faster than the limit allows. In a perfect queue, each event
// would have a known wait; 1.2 times that wait is its allowance. overload returns the largest excess over the
// allowance, the longest wait, and how often the queue sent events away.
func overload(t *testing.T, limit, arrivals float64) (excess, longest time.Duration, returned int64) {
	q := newQueue("", limit, nil)
	var mu sync.Mutex
	var away atomic.Int64
	var running sync.WaitGroup
	var perfect time.Duration // when a perfect queue makes the next call, since the start
	start := time.Now()
	for i := range int(arrivals * 300) {
		arrival := time.Duration(float64(i) / arrivals * float64(time.Second))
		elapse(time.Until(start.Add(arrival)))
		perfect = max(perfect, arrival)
		ideal := perfect - arrival
		perfect += time.Duration(float64(time.Second) / limit)
		running.Go(func() {
			receivedAt := time.Now()
			away.Add(int64(acquire(t, q, receivedAt)))
			waited := time.Since(receivedAt)
			mu.Lock()
			defer mu.Unlock()
			excess, longest = max(excess, waited-ideal*12/10), max(longest, waited)
		})
	}
	running.Wait()
	return excess, longest, away.Load()
}

func TestAt110PercentOfALimitNoEventWaitsMuchLongerThanInAPerfectQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		excess, longest, returned := overload(t, 60, 66)
		if excess > 50*time.Millisecond {
			t.Errorf("an event waited %v more than 1.2 times as long as in a perfect queue", excess)
		}
		if longest > 36*time.Second {
			t.Errorf("an event waited %v; the perfect queue needs 30 s", longest)
		}
		if returned > 0 {
			t.Errorf("events were returned to Redis %d times", returned)
		}
	})
}

func TestEventsThatAQueueReturnsToRedisKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, arrivals = 60, 90 // the queue is full after 80 seconds
		excess, longest, returned := overload(t, limit, arrivals)
		if excess > time.Second {
			t.Errorf("an event waited %v more than 1.2 times as long as in a perfect queue", excess)
		}
		if events := int64(arrivals * 300); returned == 0 || returned > events {
			t.Errorf("%d events were returned to Redis %d times", events, returned)
		}
		t.Logf("the longest wait is %v, and events were returned to Redis %d times", longest, returned)
	})
}
