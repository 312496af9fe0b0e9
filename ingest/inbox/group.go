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
// own call, the disk would limit the throughput. Instead, requests wait while calls are in progress, and the next call
// executes as many of them as fit. A request that arrives when no call is in progress starts one at once, so a quiet
// inbox adds no delay.
//
// At most two calls are in progress at the same time. The second one starts when as many requests wait as the first one
// has. Redis then already has the second call when it has synced the first one, so that neither Redis nor this process
// waits for the other, and the calls do not become smaller. Redis may execute the two calls in either order. Two
// requests that exclude each other are never in progress at the same time; they are executed in the order of commit.
//
// Each call runs in a goroutine of its own and not in that of a caller, so every caller can return when its own context
// ends. If the context of a waiting request ends, the request leaves the queue, and Redis never executes it. If the
// context ends after the call has begun, commit returns the error of the context, and Redis may still execute the
// request.
type groupCommit[R request] struct {
	// call executes a group and stores the outcome in each of its requests.
	call func(ctx context.Context, group []R)

	mu         sync.Mutex
	waiting    []*waiter[R]
	calls      int             // the number of calls in progress
	inProgress int             // the number of requests in these calls
	excluded   map[string]bool // the names that these requests exclude
}

// request is one request of a caller: the events of an Accept, or one transition of a lane.
type request interface {
	// size returns the number of events and of bytes that the request adds to a call.
	size() (events, bytes int)
	// excludes returns a name that at most one request in progress may have, such as a lane; "" excludes nothing.
	excludes() string
	// fail stores an error as the outcome of the request.
	fail(err error)
}

type waiter[R request] struct {
	request R
	done    chan struct{} // closed when the request has its outcome
}

const (
	// maxCalls is the maximum number of calls in progress.
	maxCalls = 2
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
	g.startCalls(ctx)
	g.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		g.withdraw(w)
		return ctx.Err()
	}
}

// startCalls starts a call, or two, if enough requests wait. The caller holds the lock.
func (g *groupCommit[R]) startCalls(ctx context.Context) {
	for g.calls < maxCalls && len(g.waiting) > 0 && len(g.waiting) >= g.inProgress {
		group := g.take()
		if len(group) == 0 { // the first request must wait until a call in progress ends
			return
		}
		g.calls++
		g.inProgress += len(group)
		go g.execute(ctx, group)
	}
}

// execute makes one call, with the values of ctx but until callTimeout. If the call panics, its requests fail.
func (g *groupCommit[R]) execute(ctx context.Context, group []*waiter[R]) {
	defer func() {
		cause := recover()
		g.finish(ctx, group)
		for _, w := range group {
			if cause != nil {
				w.request.fail(fmt.Errorf("%w: internal error; please report it: %v", ErrUnavailable, cause))
			}
			close(w.done)
		}
	}()
	requests := make([]R, len(group))
	for i, w := range group {
		requests[i] = w.request
	}
	call, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	g.call(call, requests)
}

// finish ends a call, and starts the next ones.
func (g *groupCommit[R]) finish(ctx context.Context, group []*waiter[R]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls--
	g.inProgress -= len(group)
	for _, w := range group {
		delete(g.excluded, w.request.excludes())
	}
	g.startCalls(ctx)
}

// take removes from the queue as many requests as fit into one call. It returns none if the first one excludes a
// request in progress. The caller holds the lock.
func (g *groupCommit[R]) take() []*waiter[R] {
	n, events, bytes := 0, 0, 0
	for _, w := range g.waiting {
		moreEvents, moreBytes := w.request.size()
		events, bytes = events+moreEvents, bytes+moreBytes
		name := w.request.excludes()
		if g.excluded[name] || n > 0 && (events > maxGroup || bytes > maxGroupBytes) {
			break
		}
		g.exclude(name)
		n++
	}
	group := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return group
}

// exclude keeps requests that exclude the name from starting until finish. The name "" excludes nothing.
func (g *groupCommit[R]) exclude(name string) {
	if name == "" {
		return
	}
	if g.excluded == nil {
		g.excluded = map[string]bool{}
	}
	g.excluded[name] = true
}

// withdraw removes a request from the queue unless a call has taken it.
func (g *groupCommit[R]) withdraw(w *waiter[R]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := slices.Index(g.waiting, w); at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
}
