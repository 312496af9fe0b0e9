// SPDX-License-Identifier: Apache-2.0

package inbox

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
