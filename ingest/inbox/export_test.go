// SPDX-License-Identifier: Apache-2.0

package inbox

// Waiting is how many requests wait for the next call to a shard.
func (b *Inbox) Waiting(shard int) int {
	q := &b.shards[shard].queue
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
