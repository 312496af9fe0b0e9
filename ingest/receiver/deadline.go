// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"sync"
	"time"
)

// deadlines makes the contexts that bound Accept. Requests that arrive at nearly the same time share one context, and
// so one timer: a context for each request would take a fiftieth of the receiver's CPU time. It is safe for concurrent
// use.
type deadlines struct {
	timeout time.Duration

	mu      sync.Mutex
	current context.Context    //nolint:containedctx // many requests share it
	cancel  context.CancelFunc // of current; nobody calls it, because a request may use current until it ends
	renewAt time.Time
}

// sharedPart is the part of the timeout during which new requests get the same context.
const sharedPart = 40

// context returns a context that ends after the timeout, or up to a fortieth of the timeout earlier.
func (d *deadlines) context() context.Context {
	now := time.Now() //nolint:forbidigo // the clock of context.WithTimeout
	d.mu.Lock()
	defer d.mu.Unlock()
	if !now.Before(d.renewAt) {
		d.current, d.cancel = context.WithTimeout(context.Background(), d.timeout) //nolint:forbidigo,gosec // belongs to no request; it ends by itself
		d.renewAt = now.Add(d.timeout / sharedPart)
	}
	return d.current
}
