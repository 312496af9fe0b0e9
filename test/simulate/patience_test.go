// SPDX-License-Identifier: Apache-2.0

package simulate_test

import "testing"

// TestAScheduleWaitsForTheLongestWaitAfterTheClockHasGoneBack runs schedules in which Knock asks for long waits and the
// clock of Redis goes back, so that the waits take twice as long.
func TestAScheduleWaitsForTheLongestWaitAfterTheClockHasGoneBack(t *testing.T) {
	for seed := range uint64(5) {
		report(t, seed+1, simulate(t, seed+1, variant{plan: func(p *plan) {
			p.unlucky, p.outage, p.throttled, p.retryAfter, p.clockBack = 0, false, 0.5, longRetryAfter, 2
		}}))
	}
}
