// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
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

func TestAUsersEventsRunInOrderAndOthersGoOnMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := w.hold("/v1/users/slow")
	p := w.start()
	p.send("identify slow 1", "order slow 2", "identify slow 3", "order slow 4")
	w.wait(arrived("/v1/users/slow"))
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
		t.Error("a held call was overtaken by the next of its user")
	}
}

func TestAUserWhoIsRetriedKeepsItsOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(knock.IdentifyUser, 500, 502)
	p := w.start()
	p.send("identify u 1", "order u 2", "identify u 3")
	if final, _ := p.finished(3); number(final[0])+number(final[1])+number(final[2]) != "123" {
		t.Errorf("finished %v", []string{number(final[0]), number(final[1]), number(final[2])})
	}
	if runs := w.knock.State().Runs; len(runs) != 1 || len(runs[0].Unknown) > 0 {
		t.Errorf("the order ran as %+v", runs)
	}
}

func TestTheRateLimitPutsUsersOffWithoutAttemptsAndDoesNotHoldUpOtherCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, knocktest.WithRateLimits(nil))
	p := w.start()
	const users = 150
	var events []string
	for i := range users {
		events = append(events, fmt.Sprintf("identify u%d 1", i))
	}
	p.send(append(events, "order other 1")...)
	final, retrying := p.finished(users + 1)
	at := slices.IndexFunc(final, func(e eventlog.Entry) bool { return e.Type == "order" })
	if at > users/2 {
		t.Errorf("the trigger came only after %d identifies", at)
	}
	for _, e := range final {
		if e.Status != eventlog.Succeeded || e.Actions[0].Attempts != 1 {
			t.Errorf("user %s: %v", e.OrderingKey, told(e))
		}
	}
	if retrying != 0 {
		t.Errorf("%d times an event was logged as retrying", retrying)
	}
}

func TestARefusedKeyPausesTheSourceUntilAnotherOneIsGiven(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.knock.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Status: status} })
			p := w.start()
			const users = 20
			for i := range users {
				p.send(fmt.Sprintf("identify u%d 1", i), fmt.Sprintf("order u%d 2", i))
			}
			if e := p.next(); e.Status != eventlog.Retrying || !strings.HasPrefix(e.Reason, "deliveries are paused: knock: identifyUser: HTTP ") {
				t.Errorf("logged %s: %s", e.Status, e.Reason)
			}
			if !strings.Contains(p.pool.Paused(), fmt.Sprint(status)) {
				t.Errorf("paused: %q", p.pool.Paused())
			}
			w.knock.Respond(nil)
			p.pool.Configure(w.settings)
			final, _ := p.finished(2 * users)
			last := map[string]string{}
			for _, e := range final {
				if e.Status != eventlog.Succeeded || e.Key <= last[e.OrderingKey] {
					t.Errorf("user %s, event %s after %q: %v", e.OrderingKey, e.Key, last[e.OrderingKey], told(e))
				}
				last[e.OrderingKey] = e.Key
			}
			if p.pool.Paused() != "" {
				t.Errorf("still paused: %q", p.pool.Paused())
			}
		})
	}
}

func TestAPausedSourceAsksWithOneRequestAtATimeAndNoticesByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setKey("sk_expired")
	p := w.start()
	p.send("identify first 1")
	p.next()
	asked := len(w.knock.Calls())
	for i := range 50 {
		p.send(fmt.Sprintf("identify u%d 1", i))
	}
	p.next() // a probe, after a second
	if now := len(w.knock.Calls()); now != asked+1 {
		t.Errorf("%d requests while paused, want one", now-asked)
	}
	w.setKey(knocktest.APIKey)
	if final, _ := p.finished(51); final[50].Status != eventlog.Succeeded {
		t.Errorf("got %v", told(final[50]))
	}
}

func TestASuspendedSourceClaimsNothingUntilItMayGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	running := w.settings
	w.settings.Delivery.Suspend = true
	p := w.start()
	p.send("order u 1")
	other := w.open()
	claimed, err := other.Claim(t.Context(), 0, 10)
	if err != nil || len(claimed.Claims) != 1 {
		t.Fatalf("the other process finds %d users, %v", len(claimed.Claims), err)
	}
	if err := other.Retry(t.Context(), claimed.Claims[0], 0, nil, nil); err != nil {
		t.Fatal(err)
	}
	p.pool.Configure(running)
	if final, _ := p.finished(1); final[0].Status != eventlog.Succeeded || len(w.knock.Calls()) != 1 {
		t.Errorf("got %v, calls %v", told(final[0]), w.calls())
	}
}

func TestCallsUnderWayAreBoundedByConcurrency(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.Delivery.Concurrency = 3
	gate := &gate{Caller: w.settings.Caller, full: 3, opened: make(chan struct{})}
	w.settings.Caller = gate
	p := w.start()
	for i := range 100 {
		p.send(fmt.Sprintf("order u%d 1", i))
	}
	p.finished(100)
	if most := gate.most.Load(); most != 3 {
		t.Errorf("%d calls at once, want 3", most)
	}
}

// gate holds calls until so many are under way that it is full, and counts how many are at most.
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

func TestWhatKnockWasToldIsNotToldAgainWhenRedisWasAwayMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := w.hold("/v1/users/u")
	p := w.start()
	p.send("identify u 1")
	w.wait(arrived("/v1/users/u"))
	w.redis.Kill()
	release()
	w.wait(knocktest.Answered(1))
	w.redis.Start()
	if final, _ := p.finished(1); final[0].Status != eventlog.Succeeded || len(w.knock.Calls()) != 1 {
		t.Errorf("got %v, calls %v", told(final[0]), w.calls())
	}
}

func TestAThousandUsersAreAllServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.Delivery.RateLimits = map[string]int32{string(knock.TriggerWorkflow): 100_000}
	p := w.start()
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
	if runs := len(w.knock.State().Runs); runs != users*each {
		t.Errorf("%d runs", runs)
	}
	t.Logf("took %v after the last was accepted", time.Since(start))
}

func TestDryRunCallsNobodyAndSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.Caller = delivery.DryRun{}
	p := w.start()
	p.send("all u 1")
	final, _ := p.finished(1)
	if final[0].Status != eventlog.Succeeded || len(w.knock.Calls()) != 0 || final[0].Actions[0].Requests[0].Status != http.StatusOK {
		t.Errorf("got %v, calls %v", told(final[0]), w.calls())
	}
}

func TestEveryEndIsToldHoweverOftenLeasesAreRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.Caller = delivery.DryRun{}
	w.settings.Delivery.RateLimits = map[string]int32{string(knock.TriggerWorkflow): 100_000}
	p := w.start(func(c *delivery.Config) { c.Lease = 3 * time.Millisecond }) // renewed each millisecond
	const users = 3000
	for i := range users {
		p.send(fmt.Sprintf("order u%d 1", i))
	}
	p.finished(users)
}
