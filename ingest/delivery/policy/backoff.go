// SPDX-License-Identifier: Apache-2.0

package policy

import "time"

const (
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
	// maxOutageWait bounds the wait of an event that fails while the source is paused for an outage. Without it, the
	// event that a probe has used would wait up to five minutes after the outage.
	maxOutageWait = 30 * time.Second
)

// backoff returns how long to wait after an action has failed n times before: the fraction jitter of 1 s · 2ⁿ, and of
// five minutes at most.
func backoff(n int, jitter float64) time.Duration {
	limit := maxBackoff
	if n < 16 {
		limit = min(firstBackoff<<n, maxBackoff)
	}
	return time.Duration(jitter * float64(limit))
}
