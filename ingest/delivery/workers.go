// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// maxIdleWorkers is how many workers may wait for a lane.
const maxIdleWorkers = minLanes

// workers deliver claimed lanes, each in a goroutine of its own. When a worker has delivered its lane, it waits for the
// next one. A new goroutine would have to grow its stack again, and would need a new context.
type workers struct {
	pool *Pool
	// work is the parent of the contexts in which the workers deliver events. It ends when the time for draining is over.
	work context.Context //nolint:containedctx // it belongs to Pool.Run, like the workers
	// stopping ends when the process begins to stop.
	stopping context.Context //nolint:containedctx // see work

	lanes   chan claimedLane // to a worker that waits
	idle    atomic.Int32     // the number of workers that wait
	running sync.WaitGroup
}

// claimedLane is the lease of a lane's first event.
type claimedLane struct {
	lease *inbox.Lease
	probe health.Probe
}

func (p *Pool) newWorkers(work, stopping context.Context) *workers {
	return &workers{pool: p, work: work, stopping: stopping, lanes: make(chan claimedLane)}
}

// deliver makes a worker deliver the lane. It does not wait for the worker.
func (w *workers) deliver(lane claimedLane) {
	w.pool.leases.begin(lane.lease, nil)
	select {
	case w.lanes <- lane:
	default: // no worker waits
		w.running.Go(func() { w.run(lane) })
	}
}

// stop ends the workers that wait, and waits until the others have delivered their lanes. deliver must not be called
// any more.
func (w *workers) stop() {
	close(w.lanes)
	w.running.Wait()
}

// run delivers lanes one after another. It ends if enough other workers wait.
func (w *workers) run(lane claimedLane) {
	worker := worker{workers: w}
	defer worker.end()
	for ok := true; ok; {
		worker.deliverLane(lane)
		if w.idle.Add(1) > maxIdleWorkers {
			w.idle.Add(-1)
			return
		}
		lane, ok = <-w.lanes
		w.idle.Add(-1)
	}
}

// worker is one goroutine.
type worker struct {
	*workers

	// leased is the context of the work on one event, which ends when the lease is lost. Events share it as long as no
	// lease is lost.
	leased context.Context //nolint:containedctx // see above
	cancel context.CancelCauseFunc
}

// deliverLane delivers a leased event, and then the events behind it for as long as their leases follow.
func (w *worker) deliverLane(lane claimedLane) {
	pool, lease, probe := w.pool, lane.lease, lane.probe
	for inARow := 1; lease != nil; inARow++ {
		w.begin(lease)
		next := pool.deliver(w.leased, w.stopping, lease, probe, inARow)
		pool.leases.remove(lease)
		lease, probe = next, 0
	}
	if lane.probe != 0 {
		pool.wakeAll()
	}
	pool.wakeIfAtCapacity()
}

// begin sets the context of the work on a lease.
func (w *worker) begin(lease *inbox.Lease) {
	if w.leased == nil || w.leased.Err() != nil {
		w.end()
		w.leased, w.cancel = context.WithCancelCause(w.work)
	}
	w.pool.leases.begin(lease, w.cancel)
}

// end releases the context.
func (w *worker) end() {
	if w.cancel != nil {
		w.cancel(nil)
	}
}
