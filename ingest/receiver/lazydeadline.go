// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"sync"
	"time"
)

// lazyDeadline holds back a deadline until the next operation that it bounds. net/http sets seven deadlines for each
// request, and replaces most of them before it reads or writes again. Each one that reaches the socket takes about
// 0.2 µs. While an operation is in progress, a deadline takes effect at once. At most one operation is in progress at a
// time.
type lazyDeadline struct {
	apply func(time.Time) error // sets the deadline of the socket

	mu         sync.Mutex
	inProgress bool
	pending    bool // deadline is not applied yet
	deadline   time.Time
}

// set changes the deadline. If no operation is in progress, it never fails.
func (d *lazyDeadline) set(deadline time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deadline, d.pending = deadline, !d.inProgress
	if d.inProgress {
		return d.apply(deadline)
	}
	return nil
}

// begin must be called before an operation, and end after it.
func (d *lazyDeadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inProgress = true
	if !d.pending {
		return nil
	}
	d.pending = false
	return d.apply(d.deadline)
}

func (d *lazyDeadline) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inProgress = false
}
