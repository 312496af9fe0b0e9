// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// activeLeases are the leases of the events that this process is delivering, each with the function that cancels the work on it.
type activeLeases struct {
	mu     sync.Mutex
	cancel map[*inbox.Lease]context.CancelCauseFunc
}

// start runs work in a new goroutine. The context of work ends when the lease is lost. When work has returned, start removes the
// lease and then calls done.
func (a *activeLeases) start(ctx context.Context, lease *inbox.Lease, work func(context.Context), done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	a.mu.Lock()
	a.cancel[lease] = cancel
	a.mu.Unlock()
	go func() {
		defer done()
		defer a.remove(lease)
		defer cancel(nil)
		work(ctx)
	}()
}

func (a *activeLeases) remove(lease *inbox.Lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.cancel, lease)
}

// keepRunning stops renewals from canceling the work on a lease. It is called before the work ends the lease itself: to a renewal
// that runs at the same time, a lease that has just been ended looks like a lost one. If the lease is really lost, the script that
// ends it returns ErrLeaseLost.
func (a *activeLeases) keepRunning(lease *inbox.Lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cancel[lease] = nil
}

func (a *activeLeases) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.cancel)
}

func (a *activeLeases) all() []*inbox.Lease {
	a.mu.Lock()
	defer a.mu.Unlock()
	leases := make([]*inbox.Lease, 0, len(a.cancel))
	for lease := range a.cancel {
		leases = append(leases, lease)
	}
	return leases
}

// cancelLost cancels the work on leases that are lost, because another process may be working on their lanes. It returns on how many
// of them there was work to cancel.
func (a *activeLeases) cancelLost(leases []*inbox.Lease) (canceled int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, lease := range leases {
		if cancel := a.cancel[lease]; cancel != nil {
			cancel(inbox.ErrLeaseLost)
			canceled++
		}
	}
	return canceled
}

// renewLeases extends the active leases three times per lease length until ctx ends. If Redis is down, the leases end; every call
// to Knock has a deadline before the end of its lease (see executor.attempt), so another process that claims the lane does not
// overlap with it.
func (p *Pool) renewLeases(ctx context.Context) {
	ticker := time.NewTicker(p.config.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
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
