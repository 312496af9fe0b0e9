// SPDX-License-Identifier: Apache-2.0

package bulk

import (
	"slices"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// maxMembers is the number of rows that the batcher holds: one batch that waits, and five whose operations are in
// progress. It is bounded because each row holds a lease and keeps its event in memory.
const maxMembers = 6 * knock.MaxBulkUsers

// firstBlock and maxBlock are how long no row may join after one bulk call has failed, and after many have.
const (
	firstBlock = time.Second
	maxBlock   = 10 * time.Second
)

// admission spreads the events that the batcher returns to Redis over the time that it needs for those before them.
type admission struct {
	lastReturn time.Time // when the event that was returned most recently asks again
	youngest   time.Time // the latest time of receipt of all events that were returned

	block        time.Duration // after the latest failure; 0 after a success
	blockedUntil time.Time
}

// recordAnswer takes the answer to a bulk call into account. After failures, fewer and fewer rows are sent in vain.
func (b *Batcher) recordAnswer(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answered = clock()
	a := &b.admission
	if err == nil {
		a.block = 0
		return
	}
	a.block = min(max(2*a.block, firstBlock), maxBlock)
	a.blockedUntil = b.answered.Add(a.block)
}

// Enter reports whether the row of an event that was received at this time may join. If it may not, back is how long the
// event should wait in Redis before it asks again. Events return in the order of their age: while some are away, younger
// events may not join before them, and an event that has been away may join even if the batcher is full, up to twice its
// capacity. If the process is short of memory, or a bulk call has failed a moment ago, no row may join.
func (b *Batcher) Enter(receivedAt time.Time, shortOfMemory bool) (back time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now, a := clock(), &b.admission
	wasAway := !receivedAt.After(a.youngest) && b.members < 2*maxMembers
	hasRoom := !now.Before(a.lastReturn) && b.members < maxMembers
	if (wasAway || hasRoom) && !shortOfMemory && !now.Before(a.blockedUntil) {
		return 0, true
	}
	row := b.interval() / knock.MaxBulkUsers
	a.lastReturn = latest(a.lastReturn, a.blockedUntil, now.Add(time.Duration(b.members/2)*row)).Add(row)
	a.youngest = latest(a.youngest, receivedAt)
	return a.lastReturn.Sub(now), false
}

func latest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }
