// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestASlowUserDelaysItsOwnEventsOnlyAndKeepsTheirOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := f.hold("/v1/users/slow")
	p := f.start()
	p.send("identify slow 1", "order slow 2", "identify slow 3", "order slow 4")
	f.awaitCalls(arrived("/v1/users/slow"))
	for i := range 20 {
		p.send(fmt.Sprintf("identify quick%d 1", i), fmt.Sprintf("order quick%d 2", i))
	}
	quick, _ := p.finished(40)
	release()
	slow, _ := p.finished(4)

	keys := map[string]string{}
	for _, e := range append(quick, slow...) {
		keys[e.OrderingKey] += number(e)
	}
	want := map[string]string{"slow": "1234"}
	for i := range 20 {
		want[fmt.Sprintf("quick%d", i)] = "12"
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("order of each user's events (-want +got)\n%s", diff)
	}
	if slices.ContainsFunc(quick, func(e eventlog.Entry) bool { return e.OrderingKey == "slow" }) {
		t.Error("an event of the slow user finished before its first call was answered")
	}
}

func TestRetriesKeepTheOrderOfAUsersEvents(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.answers(knock.IdentifyUser, 500, 502)
	p := f.start()
	p.send("identify u 1", "order u 2", "identify u 3")
	if final, _ := p.finished(3); number(final[0])+number(final[1])+number(final[2]) != "123" {
		t.Errorf("finished in the order %v", []string{number(final[0]), number(final[1]), number(final[2])})
	}
	if runs := f.knock.State().Runs; len(runs) != 1 || len(runs[0].Unknown) > 0 {
		t.Errorf("the workflow runs are %+v; want one, for a user that Knock knows", runs)
	}
}

func TestTheRateLimitDefersEventsWithoutAttemptsAndDoesNotDelayOtherEndpoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t, knocktest.WithRateLimits(nil))
	p := f.start()
	const users = 150
	var events []string
	for i := range users {
		events = append(events, fmt.Sprintf("identify u%d 1", i))
	}
	p.send(append(events, "order other 1")...)
	final, retrying := p.finished(users + 1)
	at := slices.IndexFunc(final, func(e eventlog.Entry) bool { return e.Type == "order" })
	if at > users/2 {
		t.Errorf("the trigger ran only after %d identifies", at)
	}
	for _, e := range final {
		if e.Status != eventlog.Succeeded || e.Actions[0].Attempts != 1 {
			t.Errorf("user %s: %v", e.OrderingKey, summary(e))
		}
	}
	if retrying != 0 {
		t.Errorf("an event was logged as retrying %d times", retrying)
	}
}

func TestManyLanesThatWaitForALimitDoNotBlockOtherEndpoints(t *testing.T) {
	t.Parallel()
	f := newFixture(t, knocktest.WithRateLimits(nil))
	f.settings.Delivery.RateLimits = map[string]int32{string(knock.DeleteUser): 1}
	p := f.start()
	const users = 2000 // far more than may wait in the process
	var events []string
	for i := range users {
		events = append(events, fmt.Sprintf("delete u%d 1", i))
	}
	p.send(events...)
	f.awaitCalls(func(calls []knocktest.Call) bool { return len(calls) > 0 })
	start := time.Now()
	p.send("order other 1")
	f.awaitCalls(arrived("/v1/workflows/order/trigger"))
	if waited := time.Since(start); waited > 5*time.Second {
		t.Errorf("the trigger waited %v", waited)
	}
}

func TestASuspendedSourceClaimsNothingUntilItIsResumed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	running := f.settings
	f.settings.Delivery.Suspend = true
	p := f.start()
	p.send("order u 1")
	other := f.openInbox()
	claimed, err := other.Claim(t.Context(), 0, 10, 0)
	if err != nil || len(claimed.Leases) != 1 {
		t.Fatalf("the other process claimed %d lanes, %v", len(claimed.Leases), err)
	}
	if err := other.Retry(t.Context(), claimed.Leases[0], 0, nil, nil); err != nil {
		t.Fatal(err)
	}
	p.pool.Configure(running)
	if final, _ := p.finished(1); final[0].Status != eventlog.Succeeded || len(f.knock.Calls()) != 1 {
		t.Errorf("got %v, calls %v", summary(final[0]), f.calls())
	}
}

func TestConcurrencyBoundsTheCallsInProgress(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Delivery.Concurrency = 3
	gate := &gate{Caller: f.settings.Caller, full: 3, opened: make(chan struct{})}
	f.settings.Caller = gate
	p := f.start()
	for i := range 100 {
		p.send(fmt.Sprintf("order u%d 1", i))
	}
	p.finished(100)
	if most := gate.most.Load(); most != 3 {
		t.Errorf("%d concurrent calls; want 3", most)
	}
}

// gate is a Caller that delays all calls until full of them are in progress. It records the highest number of
// concurrent calls.
type gate struct {
	delivery.Caller
	full       int32
	open, most atomic.Int32
	once       sync.Once
	opened     chan struct{}
}

func (g *gate) Do(ctx context.Context, request knock.Request) (knock.Response, error) {
	now := g.open.Add(1)
	defer g.open.Add(-1)
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); {
		most = g.most.Load()
	}
	if now == g.full {
		g.once.Do(func() { close(g.opened) })
	}
	select {
	case <-g.opened:
	case <-ctx.Done():
	}
	return g.Caller.Do(ctx, request)
}

func TestACallIsNotRepeatedWhenRedisIsDownWhileItIsAnswered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := f.hold("/v1/users/u")
	p := f.start()
	p.send("identify u 1")
	f.awaitCalls(arrived("/v1/users/u"))
	f.redis.Kill()
	release()
	f.awaitCalls(knocktest.Answered(1))
	f.redis.Start()
	if final, _ := p.finished(1); final[0].Status != eventlog.Succeeded || len(f.knock.Calls()) != 1 {
		t.Errorf("got %v, calls %v", summary(final[0]), f.calls())
	}
}

func TestEventsOfAThousandUsersAreDeliveredInOrder(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Delivery.RateLimits = map[string]int32{string(knock.TriggerWorkflow): 100_000}
	p := f.start()
	const users, each = 1000, 3
	for i := range users {
		p.send(fmt.Sprintf("order u%d 1", i), fmt.Sprintf("order u%d 2", i), fmt.Sprintf("order u%d 3", i))
	}
	start := time.Now()
	final, _ := p.finished(users * each)
	seen := map[string]string{}
	for _, e := range final {
		seen[e.OrderingKey] += number(e)
	}
	for user, keys := range seen {
		if keys != "123" {
			t.Errorf("user %s: events %s", user, keys)
		}
	}
	if runs := len(f.knock.State().Runs); runs != users*each {
		t.Errorf("%d runs", runs)
	}
	t.Logf("took %v after the last event was accepted", time.Since(start))
}

func TestADryRunMakesNoCallsAndSucceeds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Caller = delivery.DryRun{}
	p := f.start()
	p.send("all u 1")
	final, _ := p.finished(1)
	if final[0].Status != eventlog.Succeeded || len(f.knock.Calls()) != 0 || final[0].Actions[0].Requests[0].Status != http.StatusOK {
		t.Errorf("got %v, calls %v", summary(final[0]), f.calls())
	}
}

func TestEveryEventIsObservedEvenIfLeasesAreRenewedConstantly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Caller = delivery.DryRun{}
	f.settings.Delivery.RateLimits = map[string]int32{string(knock.TriggerWorkflow): 100_000}
	f.settings.Lease = 3 * time.Millisecond // renewed each millisecond
	p := f.start()
	const users = 3000
	for i := range users {
		p.send(fmt.Sprintf("order u%d 1", i))
	}
	p.finished(users)
}
