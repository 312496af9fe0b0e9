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
		g.excluded = nil // as if the call had ended
	}
}

func TestARequestWhoseContextEndsLeavesTheQueueWithItsError(t *testing.T) {
	g := &groupCommit[*fakeRequest]{calls: maxCalls}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.commit(ctx, &fakeRequest{events: 1}); !errors.Is(err, context.Canceled) || len(g.waiting) != 0 {
		t.Errorf("%v with %d requests waiting; want context canceled with none", err, len(g.waiting))
	}
}

// heldCalls is a groupCommit whose calls end when the test releases them.
type heldCalls struct {
	groupCommit[*fakeRequest]
	began, release chan []*fakeRequest
}

func newHeldCalls() *heldCalls {
	h := &heldCalls{began: make(chan []*fakeRequest, maxCalls), release: make(chan []*fakeRequest)}
	h.call = func(_ context.Context, group []*fakeRequest) {
		h.began <- group
		<-h.release
	}
	return h
}

// start commits requests, one after another.
func (h *heldCalls) start(t *testing.T, requests ...*fakeRequest) {
	for _, r := range requests {
		go func() {
			if err := h.commit(t.Context(), r); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
	}
}

func TestASecondCallStartsWhenAsManyRequestsWaitAsTheFirstOneHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeldCalls()
		next := func(want int) {
			t.Helper()
			synctest.Wait()
			select {
			case group := <-h.began:
				if len(group) != want {
					t.Fatalf("a call with %d requests; want %d", len(group), want)
				}
			default:
				if want > 0 {
					t.Fatalf("no call began; want one with %d requests", want)
				}
			}
		}
		h.start(t, &fakeRequest{events: 1})
		next(1)
		h.start(t, &fakeRequest{events: 1})
		next(1)
		h.start(t, &fakeRequest{events: 1}, &fakeRequest{events: 1}, &fakeRequest{events: 1})
		next(0) // two calls are in progress
		h.release <- nil
		next(3)
		h.release <- nil // the second call
		h.start(t, &fakeRequest{events: 1}, &fakeRequest{events: 1})
		next(0) // fewer requests wait than the third call has
		h.start(t, &fakeRequest{events: 1})
		next(3)
		h.release <- nil
		h.release <- nil
		synctest.Wait()
		if h.calls != 0 || h.inProgress != 0 || len(h.waiting) != 0 {
			t.Errorf("%d calls with %d requests, %d waiting; want none", h.calls, h.inProgress, len(h.waiting))
		}
	})
}

func TestTwoRequestsThatExcludeEachOtherAreNotInProgressTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHeldCalls()
		h.start(t, &fakeRequest{events: 1, name: "a"}, &fakeRequest{events: 2, name: "a"}, &fakeRequest{events: 3, name: "b"})
		if first := <-h.began; len(first) != 1 || len(h.began) != 0 {
			t.Fatalf("a call with %d requests, then %d more calls; want 1 and none", len(first), len(h.began))
		}
		h.release <- nil
		if second := <-h.began; len(second) != 2 || second[0].events != 2 {
			t.Errorf("the second call has %d requests; want the other two, in the order of commit", len(second))
		}
		h.release <- nil
		synctest.Wait()
		if len(h.excluded) != 0 {
			t.Errorf("%v are excluded after all calls; want none", h.excluded)
		}
	})
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
