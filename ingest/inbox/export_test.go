// SPDX-License-Identifier: Apache-2.0

package inbox

import "time"

// Waiting returns the number of requests that wait for the next call to a shard.
func (b *Inbox) Waiting(shard int) int {
	g := &b.shards[shard].accepts
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// WaitingTransitions returns the number of transitions that wait for the next call to a shard.
func (b *Inbox) WaitingTransitions(shard int) int {
	g := &b.shards[shard].transitions
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// UseProcessClock replaces the process's monotonic clock. Without it, a test that replaces Redis's clock replaces both.
func (b *Inbox) UseProcessClock(now func() time.Time) { b.clock.process = now }
