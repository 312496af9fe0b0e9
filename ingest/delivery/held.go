// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// held are the claims that this process works on.
type held struct {
	mu     sync.Mutex
	claims map[*inbox.Claim]context.CancelCauseFunc
}

// start runs work for a claim in a goroutine of its own, with a context that ends when the claim is lost; then, when the
// claim is not held any more, done.
func (h *held) start(ctx context.Context, claim *inbox.Claim, work func(context.Context), done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	h.mu.Lock()
	h.claims[claim] = cancel
	h.mu.Unlock()
	go func() {
		defer done()
		defer h.end(claim)
		defer cancel(nil)
		work(ctx)
	}()
}

func (h *held) end(claim *inbox.Claim) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.claims, claim)
}

// ending says that the work is about to end the claim. From then on Redis tells the work itself whether the claim was lost; to
// a renewal that comes later, the end would look like a loss.
func (h *held) ending(claim *inbox.Claim) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.claims[claim] = func(error) {}
}

func (h *held) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.claims)
}

func (h *held) all() []*inbox.Claim {
	h.mu.Lock()
	defer h.mu.Unlock()
	claims := make([]*inbox.Claim, 0, len(h.claims))
	for claim := range h.claims {
		claims = append(claims, claim)
	}
	return claims
}

// lose ends the work for claims that another process may have by now.
func (h *held) lose(claims []*inbox.Claim) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, claim := range claims {
		if cancel, ok := h.claims[claim]; ok {
			cancel(inbox.ErrLost)
		}
	}
}

// renew prolongs the leases of what is being worked on, three times a lease, until ctx ends.
func (p *Pool) renew(ctx context.Context) {
	ticker := time.NewTicker(p.config.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		claims := p.held.all()
		if len(claims) == 0 {
			continue
		}
		lost, err := p.config.Inbox.Renew(ctx, claims)
		if err != nil { // calls end with their leases, so nothing is done twice
			p.config.Log.V(1).Info("cannot renew leases", "source", p.config.Source, "error", err.Error())
			continue
		}
		p.held.lose(lost)
	}
}
