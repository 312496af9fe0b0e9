// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"errors"
	"testing"
)

func newRequest(events int) *request {
	return &request{events: make([]candidate, events), wake: make(chan wakeup, 1)}
}

func TestTheNextRequestLeadsIfTheNewLeaderWithdraws(t *testing.T) {
	g := &groupCommit{}
	first, second, third := newRequest(maxGroup), newRequest(1), newRequest(1)
	if !g.join(first) || g.join(second) || g.join(third) {
		t.Fatal("want the first request, and no other, to lead")
	}
	if group := g.takeGroup(); len(group) != 1 || group[0] != first {
		t.Fatalf("a group of %d requests; want the first one alone, because it fills the group", len(group))
	}
	g.passLead()
	g.withdraw(second) // it has just become the leader
	if reason := <-third.wake; reason != becameLeader {
		t.Errorf("the third request is woken with %v; want it to become the leader", reason)
	}
	g.withdraw(third)
	if !g.join(newRequest(1)) {
		t.Error("a request that finds the queue empty does not lead")
	}
}

func TestAGroupTakesWholeRequestsUpToItsLimit(t *testing.T) {
	g := &groupCommit{}
	for _, events := range []int{40, 24, 1, 1000, 3} {
		g.join(newRequest(events))
	}
	for _, want := range []int{2, 1, 1, 1} {
		if got := len(g.takeGroup()); got != want {
			t.Errorf("a group of %d requests; want %d", got, want)
		}
	}
}

func TestARequestWhoseContextEndsLeavesTheQueueWithItsError(t *testing.T) {
	g := &groupCommit{}
	g.join(newRequest(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := g.commit(ctx, newRequest(1), func([]*request) { t.Error("its call was made") })
	if !errors.Is(err, context.Canceled) || len(g.waiting) != 1 {
		t.Errorf("%v with %d requests waiting; want context canceled with 1", err, len(g.waiting))
	}
}
