// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// groupCommit lets concurrent requests share calls to Redis.
//
// Redis waits for its disk once for each call, no matter how many events the call changes. If every request made its
// own call, the disk would limit the throughput. Instead, requests that arrive while a call is in progress wait, and
// the next call executes as many of them as fit. A request that arrives when no call is in progress starts one at once,
// so a quiet inbox adds no delay.
//
// One goroutine, the leader, makes one call after another and ends when no request waits. The leader is a goroutine of
// its own and not that of a caller, so every caller can return when its own context ends. If the context of a waiting
// request ends, the request leaves the queue, and Redis never executes it. If the context ends after the call has
// begun, commit returns the error of the context, and Redis may still execute the request.
type groupCommit[R request] struct {
	// call executes a group and stores the outcome in each of its requests.
	call func(ctx context.Context, group []R)

	mu      sync.Mutex
	waiting []*waiter[R]
	led     bool // whether the leader is running
}

// request is one request of a caller: the events of an Accept, or one transition of a lane.
type request interface {
	// size returns the number of events and of bytes that the request adds to a call.
	size() (events, bytes int)
	// excludes returns a name that at most one request of a call may have, such as a lane; "" excludes nothing.
	excludes() string
	// fail stores an error as the outcome of the request.
	fail(err error)
}

type waiter[R request] struct {
	request R
	done    chan struct{} // closed when the request has its outcome
}

const (
	// callTimeout is the maximum duration of a call to Redis. The receiver must answer within five seconds, even if
	// Redis hangs.
	callTimeout = 4 * time.Second
	// maxGroup and maxGroupBytes are the maximum number of events and of bytes in a call. A single larger request gets
	// its own call.
	maxGroup      = 64
	maxGroupBytes = 4 << 20
)

// commit adds a request to the queue and waits until the request has its outcome. It returns the error of ctx if ctx
// ends first, otherwise nil.
func (g *groupCommit[R]) commit(ctx context.Context, r R) error {
	w := &waiter[R]{request: r, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, w)
	if !g.led {
		g.led = true
		go g.lead(context.WithoutCancel(ctx))
	}
	g.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		g.withdraw(w)
		return ctx.Err()
	}
}

// lead is the leader: it executes waiting requests until none is left.
func (g *groupCommit[R]) lead(ctx context.Context) {
	for group := g.take(); len(group) > 0; group = g.take() {
		g.execute(ctx, group)
	}
}

// execute makes one call. If the call panics, its requests fail and the next call is made.
func (g *groupCommit[R]) execute(ctx context.Context, group []*waiter[R]) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	requests := make([]R, len(group))
	for i, w := range group {
		requests[i] = w.request
	}
	defer func() {
		cause := recover()
		for _, w := range group {
			if cause != nil {
				w.request.fail(fmt.Errorf("%w: internal error; please report it: %v", ErrUnavailable, cause))
			}
			close(w.done)
		}
	}()
	g.call(ctx, requests)
}

// take removes from the queue as many requests as fit into one call. If no request waits, take returns nothing, and the
// leader must end.
func (g *groupCommit[R]) take() []*waiter[R] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, events, bytes, excluded := 0, 0, 0, map[string]bool{}
	for _, w := range g.waiting {
		moreEvents, moreBytes := w.request.size()
		events, bytes = events+moreEvents, bytes+moreBytes
		name := w.request.excludes()
		if n > 0 && (events > maxGroup || bytes > maxGroupBytes || excluded[name]) {
			break
		}
		excluded[name] = name != ""
		n++
	}
	group := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.led = n > 0
	return group
}

// withdraw removes a request from the queue unless a call has taken it.
func (g *groupCommit[R]) withdraw(w *waiter[R]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := slices.Index(g.waiting, w); at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
}
