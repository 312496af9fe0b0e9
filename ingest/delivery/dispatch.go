// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
)

const (
	// minLanes is the smallest limit on leased lanes, however few calls the source may make at once.
	minLanes = 256
	// maxLeasedBytes bounds the size of the leased events and their plans. A single event may be larger. The process
	// needs up to about four times as much memory: for the event, the requests, and the copies that are being sent and
	// stored.
	maxLeasedBytes = 32 << 20
	// maxInARow is how many events of one lane an executor delivers in a row while other lanes may be due.
	maxInARow = 16
)

// dispatch claims the due lanes of a shard until ctx ends and hands each to a worker.
func (p *Pool) dispatch(ctx context.Context, shard int, workers *workers) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-p.config.Inbox.LaneDue(shard):
		case <-p.dispatchers[shard]:
		}
		timer.Reset(p.claim(ctx, shard, workers))
	}
}

// claim claims as many due lanes as the pool has capacity for, hands them to workers, and returns how long to wait
// before the next claim.
func (p *Pool) claim(ctx context.Context, shard int, workers *workers) time.Duration {
	settings := p.settings.Load()
	capacity, bytes := p.capacity(settings)
	if settings.Delivery.Suspend || capacity <= 0 || ctx.Err() != nil {
		return pollInterval
	}
	limit, probe := p.pause.Admit(capacity)
	if limit == 0 {
		return p.pause.PollDelay(pollInterval)
	}
	// Not ctx: if the process stops during the call, it must still learn which lanes Redis has leased to it, in order
	// to release them.
	claimed, err := p.config.Inbox.Claim(workers.work, shard, limit, bytes) //nolint:contextcheck // see above
	if len(claimed.Leases) == 0 {
		p.pause.EndProbe(probe, false)
	}
	if err != nil {
		p.config.Log.V(1).Info("Cannot claim events", "source", p.config.Source, "error", err.Error())
		return pollInterval
	}
	for _, lease := range claimed.Leases {
		workers.deliver(claimedLane{lease, probe})
	}
	switch {
	case probe != 0 && len(claimed.Leases) > 0:
		return p.pause.PollDelay(pollInterval)
	case len(claimed.Leases) >= limit:
		return 0
	case claimed.Next < 0:
		return pollInterval
	default:
		return min(claimed.Next, pollInterval)
	}
}

// room returns the maximum size in bytes of the next event that an executor may take from its lane. The executor has
// delivered inARow events in a row, and the event that it is about to finish has the given size. room returns 0 if the
// executor must release the lane: the process stops, the source is paused or suspended, or other lanes may be due and
// this lane has reached maxInARow.
func (p *Pool) room(stopping context.Context, size, inARow int) int {
	cause, _ := p.pause.Current()
	hadItsShare := inARow >= maxInARow && p.atCapacity.Load()
	if stopping.Err() != nil || cause != health.None || p.settings.Load().Delivery.Suspend || hadItsShare {
		return 0
	}
	_, bytes := p.leases.held()
	return max(maxLeasedBytes-bytes+size, 0)
}

// capacity returns how many more lanes may be claimed, and the size in bytes that their events may have. The pool
// leases more lanes than it may make calls at once. Lanes that wait for a rate limit or a bulk operation do not count, so
// that they do not hold back calls to other endpoints; their number is bounded by the queues and the batcher. If the pool is at its capacity, the next
// executor that ends or begins to wait wakes the dispatchers.
func (p *Pool) capacity(settings *activeSettings) (lanes, bytes int) {
	free := func() (int, int) {
		count, bytes := p.leases.held()
		if bytes >= maxLeasedBytes {
			return 0, 0
		}
		return max(4*cap(settings.slots), minLanes) + settings.limits.Waiting() + p.bulk.Members() - count, maxLeasedBytes - bytes
	}
	if lanes, bytes = free(); lanes > 0 {
		return lanes, bytes
	}
	// An executor may have ended just before it could see the flag, so the lanes are counted again after it is set.
	p.atCapacity.Store(true)
	return free()
}

// wakeIfAtCapacity wakes the dispatchers if they wait for an executor to end or to wait.
func (p *Pool) wakeIfAtCapacity() {
	if p.atCapacity.Swap(false) {
		p.wakeAll()
	}
}
