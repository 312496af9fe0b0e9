// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// fakeRequest is a request with a given number of events and bytes.
type fakeRequest struct {
	events, bytes int
	name          string
	err           error
}

func (r *fakeRequest) size() (events, bytes int) { return r.events, r.bytes }
func (r *fakeRequest) excludes() string          { return r.name }
func (r *fakeRequest) fail(err error)            { r.err = err }

func TestAGroupTakesWholeRequestsUpToItsLimits(t *testing.T) {
	g := &groupCommit[*fakeRequest]{}
	for _, r := range []*fakeRequest{
		{events: 40},
		{events: 24},
		{events: 1},
		{events: 1000},
		{events: 3},
		{events: 1, bytes: maxGroupBytes},
		{events: 1, bytes: 1},
		{events: 1, name: "a"},
		{events: 1, name: "a"},
	} {
		g.waiting = append(g.waiting, &waiter[*fakeRequest]{request: r})
	}
	for _, want := range []int{2, 1, 1, 2, 2, 1, 0} {
		if got := len(g.take()); got != want {
			t.Errorf("a group of %d requests; want %d", got, want)
		}
	}
}

func TestARequestWhoseContextEndsLeavesTheQueueWithItsError(t *testing.T) {
	g := &groupCommit[*fakeRequest]{led: true}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.commit(ctx, &fakeRequest{events: 1}); !errors.Is(err, context.Canceled) || len(g.waiting) != 0 {
		t.Errorf("%v with %d requests waiting; want context canceled with none", err, len(g.waiting))
	}
}

func TestARequestReturnsAtItsOwnDeadlineWhileACallHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &groupCommit[*fakeRequest]{call: func(ctx context.Context, group []*fakeRequest) {
			<-ctx.Done()
			for _, r := range group {
				r.err = ctx.Err()
			}
		}}
		started := time.Now()
		for _, after := range []time.Duration{0, time.Second, 3900 * time.Millisecond} {
			go func() {
				<-time.After(after)
				ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				r := &fakeRequest{events: 1}
				if err := g.commit(ctx, r); err == nil && r.err == nil {
					t.Error("the request was executed")
				}
				if waited := time.Since(started) - after; waited > 4*time.Second {
					t.Errorf("the request that began after %v waited %v; want at most 4s", after, waited)
				}
			}()
		}
		<-time.After(20 * time.Second)
	})
}

func TestACallThatPanicsFailsOnlyItsOwnRequests(t *testing.T) {
	calls := 0
	g := &groupCommit[*fakeRequest]{call: func(context.Context, []*fakeRequest) {
		if calls++; calls == 1 {
			panic("test")
		}
	}}
	first, second := &fakeRequest{events: 1}, &fakeRequest{events: 1}
	for _, r := range []*fakeRequest{first, second} {
		if err := g.commit(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if !errors.Is(first.err, ErrUnavailable) || second.err != nil {
		t.Errorf("errors %v and %v; want ErrUnavailable and nil", first.err, second.err)
	}
}
