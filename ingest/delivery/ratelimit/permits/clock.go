// SPDX-License-Identifier: Apache-2.0

package permits

import "time"

// maxDrift is the assumed difference in speed between the clock of this process and Redis's clock.
const maxDrift = 0.0002

// remoteClock converts the times of Redis's clock to those of the process's clock. Redis read its clock at some moment
// between the start and the end of a call, so every call bounds the difference between the two clocks. remoteClock
// keeps the narrowest bounds. One slow reply then does not shift the permits, and the processes agree on their times
// within about the shortest round trip.
type remoteClock struct {
	low, high time.Time     // the process's time at 1970 of Redis's clock is between these two
	observed  time.Time     // when the bounds were last changed; zero before the first call
	roundTrip time.Duration // the average of the latest calls
}

// observe takes a call into account. now is Redis's time in µs since 1970.
func (c *remoteClock) observe(now int64, sent, received time.Time) {
	elapsed := time.Duration(now) * time.Microsecond
	low, high := sent.Add(-elapsed), received.Add(-elapsed)
	drift := time.Duration(maxDrift * float64(received.Sub(c.observed)))
	first := c.observed.IsZero()
	if first || high.Before(c.low.Add(-drift)) || low.After(c.high.Add(drift)) { // the clock was changed
		c.low, c.high = low, high
	} else {
		c.low, c.high = latest(c.low.Add(-drift), low), earliest(c.high.Add(drift), high)
	}
	c.observed = received
	if took := received.Sub(sent); first {
		c.roundTrip = took
	} else {
		c.roundTrip += (took - c.roundTrip) / 4
	}
}

// local returns the process's time at a time of Redis's clock, in µs since 1970.
func (c *remoteClock) local(redis int64) time.Time {
	return c.low.Add(c.high.Sub(c.low) / 2).Add(time.Duration(redis) * time.Microsecond)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
