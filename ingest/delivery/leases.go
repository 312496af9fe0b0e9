// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// activeLeases are the leases of the events that this process is delivering.
type activeLeases struct {
	mu    sync.Mutex
	work  map[*inbox.Lease]leasedWork
	bytes int
}

// leasedWork is the work on a leased event.
type leasedWork struct {
	cancel context.CancelCauseFunc // nil until the work begins, and once it ends the lease itself
	size   int
}

// begin adds a lease, unless it has been added, and sets the function that ends the work on it if the lease is lost. The
// function is nil until the work begins.
func (a *activeLeases) begin(lease *inbox.Lease, cancel context.CancelCauseFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, added := a.work[lease]; !added {
		a.bytes += lease.Size
	}
	a.work[lease] = leasedWork{cancel, lease.Size}
}

func (a *activeLeases) remove(lease *inbox.Lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.bytes -= a.work[lease].size
	delete(a.work, lease)
}

// keepRunning prevents renewals from canceling the work on a lease. The work calls it before it ends the lease itself,
// because a concurrent renewal cannot distinguish a lease that has just ended from a lost one. If the lease is really
// lost, the script that ends it returns ErrLeaseLost.
func (a *activeLeases) keepRunning(lease *inbox.Lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.work[lease] = leasedWork{size: a.work[lease].size}
}

// held returns the number of leases and the size of their events and plans in bytes.
func (a *activeLeases) held() (count, bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.work), a.bytes
}

func (a *activeLeases) all() []*inbox.Lease {
	a.mu.Lock()
	defer a.mu.Unlock()
	leases := make([]*inbox.Lease, 0, len(a.work))
	for lease := range a.work {
		leases = append(leases, lease)
	}
	return leases
}

// oldest returns the earliest time of receipt of the leased events and at. It ignores at if at is zero.
func (a *activeLeases) oldest(at time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	for lease := range a.work {
		if received := lease.Event.ReceivedAt; at.IsZero() || received.Before(at) {
			at = received
		}
	}
	return at
}

// cancelLost cancels the work on leases that are lost, because another process may be working on their lanes. It
// returns the number of leases whose work it canceled.
func (a *activeLeases) cancelLost(leases []*inbox.Lease) (canceled int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, lease := range leases {
		if cancel := a.work[lease].cancel; cancel != nil {
			cancel(inbox.ErrLeaseLost)
			canceled++
		}
	}
	return canceled
}

// renewLeases extends the active leases three times per lease length until ctx ends. If Redis is down, the leases end;
// every call to Knock has a deadline before the end of its lease (see executor.call), so another process that claims
// the lane does not overlap with it.
func (p *Pool) renewLeases(ctx context.Context) {
	timer := time.NewTimer(p.settings.Load().Lease / 3)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.reconfigured: // the leases may have become longer
		case <-timer.C:
		}
		timer.Reset(p.settings.Load().Lease / 3)
		leases := p.leases.all()
		if len(leases) == 0 {
			continue
		}
		lost, err := p.config.Inbox.Renew(ctx, leases)
		if err != nil {
			p.config.Log.V(1).Info("Cannot renew leases", "source", p.config.Source, "error", err.Error())
			continue
		}
		p.config.Metrics.countLostLeases(p.leases.cancelLost(lost))
	}
}
