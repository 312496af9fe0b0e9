// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"errors"
	"testing"
)

func waiting(events int) *request {
	return &request{events: make([]arrival, events), turn: make(chan turn, 1)}
}

func TestTheLeadPassesOverOneWhoLeaves(t *testing.T) {
	q := &queue{}
	first, second, third := waiting(maxGroup), waiting(1), waiting(1)
	if !q.join(first) || q.join(second) || q.join(third) {
		t.Fatal("the first, and only the first, leads")
	}
	if group := q.take(); len(group) != 1 || group[0] != first {
		t.Fatalf("a group of %d; want the first alone, for it is full", len(group))
	}
	q.handOver()
	q.leave(second) // after it was told to lead
	if turn := <-third.turn; turn != leads {
		t.Errorf("the third is told %v; want to lead", turn)
	}
	q.leave(third)
	if !q.join(waiting(1)) {
		t.Error("when all have left, the next leads")
	}
}

func TestAGroupTakesWholeRequests(t *testing.T) {
	q := &queue{}
	for _, events := range []int{40, 24, 1, 1000, 3} {
		q.join(waiting(events))
	}
	for _, want := range []int{2, 1, 1, 1} {
		if got := len(q.take()); got != want {
			t.Errorf("a group of %d requests; want %d", got, want)
		}
	}
}

func TestOneWhoseTimeIsUpIsToldSo(t *testing.T) {
	q := &queue{}
	q.join(waiting(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := q.do(ctx, waiting(1), func([]*request) { t.Error("called") })
	if !errors.Is(err, context.Canceled) || len(q.waiting) != 1 {
		t.Errorf("%v, %d waiting; want canceled, 1", err, len(q.waiting))
	}
}
