// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"sync"
	"time"
)

// minLanes is how many lanes may be leased at least.
const minLanes = 256

// dispatch claims the due lanes of a shard until ctx ends and starts an executor for each.
func (p *Pool) dispatch(ctx, work context.Context, shard int, executors *sync.WaitGroup) error {
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
		timer.Reset(p.claim(ctx, work, shard, executors))
	}
}

// claim claims as many due lanes as the pool has capacity for, starts their executors, and returns how long to wait before the next
// claim.
func (p *Pool) claim(ctx, work context.Context, shard int, executors *sync.WaitGroup) time.Duration {
	settings := p.settings.Load()
	capacity := p.capacity(settings)
	if settings.Delivery.Suspend || capacity <= 0 || ctx.Err() != nil {
		return pollInterval
	}
	limit, probe := p.pause.Admit(capacity)
	if limit == 0 {
		return p.pause.PollDelay(pollInterval)
	}
	// Not ctx: if the process stops during the call, it must still learn which lanes Redis has leased to it, in order to release
	// them.
	claimed, err := p.config.Inbox.Claim(work, shard, limit, 0)
	if len(claimed.Leases) == 0 {
		p.pause.EndProbe(probe, false)
	}
	if err != nil {
		p.config.Log.V(1).Info("Cannot claim events", "source", p.config.Source, "error", err.Error())
		return pollInterval
	}
	for _, lease := range claimed.Leases {
		executors.Add(1)
		p.leases.start(work, lease, func(work context.Context) { p.deliver(work, ctx, lease, probe) }, func() {
			defer executors.Done()
			if probe != 0 {
				p.wakeAll()
			}
			p.wakeIfAtCapacity()
		})
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

// capacity returns how many more lanes may be claimed. The pool leases more lanes than it may make calls at once. Lanes that wait for
// a rate limit do not count, so that they do not hold back calls to other endpoints; their number is bounded by the queues. If the
// pool is at its capacity, the next executor that ends or begins to wait wakes the dispatchers.
func (p *Pool) capacity(settings *activeSettings) int {
	free := func() int { return max(4*cap(settings.slots), minLanes) + settings.limits.Waiting() - p.leases.count() }
	if n := free(); n > 0 {
		return n
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
