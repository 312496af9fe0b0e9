// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"testing"
	"time"
)

// acquire waits until the queue allows a call, as delivery does: an event that is returned to Redis comes back after its delay.
// It returns how often the event was returned to Redis.
func acquire(t *testing.T, q *Queue, receivedAt time.Time) (returned int) {
	t.Helper()
	for {
		back, ok := q.Enter(receivedAt, false)
		if ok {
			break
		}
		returned++
		elapse(back)
	}
	for {
		if !q.Wait(t.Context(), nil, receivedAt) {
			t.Error("the wait ended without a turn")
		}
		if !q.Blocked() {
			return returned
		}
	}
}

// elapse lets the time of a synctest bubble advance.
func elapse(d time.Duration) { <-time.After(d) }
