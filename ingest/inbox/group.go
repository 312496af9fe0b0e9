// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"slices"
	"sync"
)

// groupCommit lets concurrent requests share calls to Redis.
//
// Redis waits for its disk once for each call, no matter how many events the call stores. If every request made its own call, the throughput
// would be limited by the disk. Instead, requests that arrive while a call is in progress wait, and the next call carries all of
// them. A request that arrives when no call is in progress starts one at once, so a quiet inbox adds no delay.
//
// groupCommit has no goroutine. The first request is the leader: it makes the call for its group, gives each member its result,
// and makes the first request that still waits the next leader. If the context of a waiting request ends, the request leaves the
// queue and is not stored. If its call has already begun, the request returns the error of its context, and its events may be
// stored. A leader that has begun a call always finishes it, because other requests depend on it.
type groupCommit struct {
	mu        sync.Mutex
	waiting   []*request // includes the leader until it takes its group; empty if there is no leader
	hasLeader bool
}

// maxGroup is the maximum number of events in a call. A single request may have more.
const maxGroup = 64

// commit returns when run has been called with a group that contains the request, or with the error of ctx when ctx ends first.
func (g *groupCommit) commit(ctx context.Context, r *request, run func([]*request)) error {
	if !g.join(r) {
		leads, err := g.await(ctx, r)
		if !leads {
			return err
		}
	}
	group := g.takeGroup()
	run(group)
	g.passLead()
	for _, member := range group {
		if member != r {
			member.wake <- committed
		}
	}
	return nil
}

// join adds a request to the queue and reports whether it is the leader.
func (g *groupCommit) join(r *request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, r)
	if g.hasLeader {
		return false
	}
	g.hasLeader, r.leader = true, true
	return true
}

// await waits until the request is committed, becomes the leader, or its context ends. It reports whether the request is the
// leader.
func (g *groupCommit) await(ctx context.Context, r *request) (leads bool, err error) {
	select {
	case reason := <-r.wake:
		return reason == becameLeader, nil
	case <-ctx.Done():
		g.withdraw(r)
		return false, ctx.Err()
	}
}

// withdraw removes a request from the queue unless a call has taken it. If the request has just become the leader, the next one
// leads.
func (g *groupCommit) withdraw(r *request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := slices.Index(g.waiting, r); at >= 0 {
		g.waiting = slices.Delete(g.waiting, at, at+1)
	}
	if r.leader {
		g.promoteNext()
	}
}

// takeGroup removes the leader and the requests behind it from the queue, as many as fit into one call.
func (g *groupCommit) takeGroup() []*request {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, events := 1, len(g.waiting[0].events)
	for n < len(g.waiting) && events+len(g.waiting[n].events) <= maxGroup {
		events += len(g.waiting[n].events)
		n++
	}
	group := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	return group
}

func (g *groupCommit) passLead() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.promoteNext()
}

// promoteNext makes the first waiting request the leader. The caller holds the lock.
func (g *groupCommit) promoteNext() {
	if len(g.waiting) == 0 {
		g.hasLeader = false
		return
	}
	g.waiting[0].leader = true
	g.waiting[0].wake <- becameLeader
}

// wakeup is the reason for which a waiting request continues.
type wakeup int

const (
	committed wakeup = iota
	becameLeader
)
