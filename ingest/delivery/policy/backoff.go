// SPDX-License-Identifier: Apache-2.0

package policy

import "time"

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
