// SPDX-License-Identifier: Apache-2.0

package permits

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestRemoteClockIsAsExactAsTheShortestRoundTrip(t *testing.T) {
	var c remoteClock
	random := rand.New(rand.NewPCG(1, 2))
	start := time.Now()
	const ahead = 1_000_000_000_000_000 // Redis's time at the start, in µs
	for i := range 200 {
		sent := start.Add(time.Duration(i) * 100 * time.Millisecond)
		there, back := time.Duration(random.Int64N(int64(50*time.Millisecond))), time.Duration(random.Int64N(int64(50*time.Millisecond)))
		if i == 150 {
			there, back = 0, time.Second // one very slow reply
		}
		c.observe(ahead+sent.Add(there).Sub(start).Microseconds(), sent, sent.Add(there+back))
	}
	if off := c.local(ahead + 20_000_000).Sub(start.Add(20 * time.Second)).Abs(); off > 10*time.Millisecond {
		t.Errorf("the clock is off by %v", off)
	}
}

func TestRemoteClockFollowsAChangeOfRedisClock(t *testing.T) {
	var c remoteClock
	start := time.Now()
	const before = 2_000_000_000_000_000
	for _, now := range []int64{before, before - 3_600_000_000, before + 7_200_000_000} {
		c.observe(now, start, start.Add(2*time.Millisecond))
		if off := c.local(now).Sub(start); off < 0 || off > 2*time.Millisecond {
			t.Errorf("Redis's time %d is off by %v", now, off)
		}
	}
}
