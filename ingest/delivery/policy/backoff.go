// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

const (
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
	// maxOutageWait is the longest wait of an event that fails while the source is paused for an outage. Without it, an
	// event that was used as a probe could wait up to five minutes after the end of the outage.
	maxOutageWait = 30 * time.Second
)

// backoff returns how long to wait after an action has failed n times before. The wait is jitter, a fraction from 0 to
// 1, times 1 s · 2ⁿ or five minutes, whichever is shorter.
func backoff(n int, jitter float64) time.Duration {
	limit := maxBackoff
	if n < 16 {
		limit = min(firstBackoff<<n, maxBackoff)
	}
	return time.Duration(jitter * float64(limit))
}

// Jitter returns the fraction of the maximum backoff that an event waits after an attempt: from 0 to less than 1, evenly
// distributed. It is a hash of the event's ID and the number of the attempt. Events that failed together are therefore
// retried at different times, and a test that repeats a schedule sees the same waits.
func Jitter(eventID string, attempt int) float64 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(eventID))                                            // never an error
	return rand.New(rand.NewPCG(hash.Sum64(), uint64(max(attempt, 0)))).Float64() //nolint:gosec // the jitter is not a secret
}
