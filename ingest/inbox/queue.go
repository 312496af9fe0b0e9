// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"slices"
	"sync"
)

// queue groups requests that arrive while a call is under way, so that the next call takes them together. It has no goroutine of
// its own: one of those who wait makes the call for all, then hands the lead to the first who still waits.
type queue struct {
	mu      sync.Mutex
	waiting []*request // when nobody leads, empty; the leader is first, until its group is taken
	led     bool
}

// maxGroup is how many events a call takes, unless one request has more.
const maxGroup = 64

// do returns when run has been called with a group that the request was part of, or when ctx ends.
func (q *queue) do(ctx context.Context, r *request, run func([]*request)) error {
	if !q.join(r) {
		lead, err := q.await(ctx, r)
		if !lead {
			return err
		}
	}
	group := q.take()
	run(group)
	q.handOver()
	for _, member := range group {
		if member != r {
			member.turn <- answered
		}
	}
	return nil
}

// join reports whether the request leads.
func (q *queue) join(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, r)
	if q.led {
		return false
	}
	q.led, r.leads = true, true
	return true
}

// await returns when the request is to lead, is answered, or its context ends.
func (q *queue) await(ctx context.Context, r *request) (lead bool, err error) {
	select {
	case turn := <-r.turn:
		return turn == leads, nil
	case <-ctx.Done():
		q.leave(r)
		return false, ctx.Err()
	}
}

// leave takes a request out if no call has it yet.
func (q *queue) leave(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at := slices.Index(q.waiting, r); at >= 0 {
		q.waiting = slices.Delete(q.waiting, at, at+1)
	}
	if r.leads {
		q.appoint()
	}
}

// take removes the next group.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, events := 1, len(q.waiting[0].events)
	for n < len(q.waiting) && events+len(q.waiting[n].events) <= maxGroup {
		events += len(q.waiting[n].events)
		n++
	}
	group := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return group
}

func (q *queue) handOver() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.appoint()
}

// appoint passes the lead to the first who waits, or ends it.
func (q *queue) appoint() {
	if len(q.waiting) == 0 {
		q.led = false
		return
	}
	q.waiting[0].leads = true
	q.waiting[0].turn <- leads
}

// turn is what a waiting request is told.
type turn int

const (
	answered turn = iota
	leads
)
