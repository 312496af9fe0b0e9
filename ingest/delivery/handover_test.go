// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestAPlanIsFrozenAtTheFirstAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.answers(knock.TriggerWorkflow, 500)
	p := w.start()
	p.send("order u 1", "order u 2")
	if e := p.next(); e.Status != eventlog.Retrying {
		t.Fatalf("got %v", told(e))
	}
	changed := w.settings
	changed.Program = compile(t, `[{"name":"renamed","event":"order","action":"identifyUser","parameters":{"id":"body.user"}}]`)
	p.pool.Configure(changed)
	final, _ := p.finished(2)
	want := [][]string{{"succeeded: ", "order succeeded 2: "}, {"succeeded: ", "renamed succeeded 1: "}}
	if diff := cmp.Diff(want, [][]string{told(final[0]), told(final[1])}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	calls := w.knock.Calls()
	if diff := cmp.Diff(calls[0].Body, calls[1].Body); diff != "" {
		t.Errorf("the retry sent something else (-first +again)\n%s", diff)
	}
}

func TestWhoeverLosesAClaimStopsCalling(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := w.hold("/v1/users/u")
	p := w.start(func(c *delivery.Config) { c.Lease = 300 * time.Millisecond }) // how often it looks whether it still holds it
	p.send("all u 1")
	w.wait(arrived("/v1/users/u"))

	later := func() time.Time { return time.Now().Add(time.Minute) }
	other := w.open(func(o *inbox.Options) { o.Now = later }) // to its clock, the lease has ended
	claimed, err := other.Claim(t.Context(), 0, 10)
	if err != nil || len(claimed.Claims) != 1 {
		t.Fatalf("the other process finds %d users, %v", len(claimed.Claims), err)
	}
	w.wait(func(calls []knocktest.Call) bool { return calls[0].Status == knocktest.Dropped })
	release()
	if err := other.Complete(t.Context(), claimed.Claims[0], nil); err != nil {
		t.Errorf("the other process cannot finish: %v", err)
	}
	p.stop()
	if len(p.entries) > 0 || len(w.knock.Calls()) != 1 {
		t.Errorf("it logged %d entries and made the calls %v", len(p.entries), w.calls())
	}
}

func TestAStoppingProcessFinishesItsCallsAndGivesBackTheRestAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.Delivery.Concurrency = 1
	release := w.hold("/v1/users/u0")
	first := w.start()
	first.send("all u0 1")
	w.wait(arrived("/v1/users/u0"))
	for i := 1; i < 20; i++ {
		first.send(fmt.Sprintf("all u%d 1", i))
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		first.stop()
	}()
	release()
	<-stopped
	made := len(w.knock.Calls())

	second := w.start() // its patience is shorter than a lease
	finished := len(first.entries)
	final, _ := second.finished(20 - finished)
	for _, e := range final {
		if e.Status != eventlog.Succeeded {
			t.Errorf("user %s: %v", e.OrderingKey, told(e))
		}
	}
	if calls := len(w.knock.Calls()); calls != 60 {
		t.Errorf("%d calls, %d of them before, want each of 60 once", calls, made)
	}
}

func TestAProcessThatDiedIsFollowedWhereItWas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.hold("/v1/objects/things/u")
	died := w.start(func(c *delivery.Config) { c.Inbox = w.open(named) })
	died.send("all u 1")
	w.wait(arrived("/v1/objects/things/u"))

	w.knock.Respond(nil)
	next := w.start(func(c *delivery.Config) { c.Inbox = w.open(named) })
	final, _ := next.finished(1)
	if final[0].Status != eventlog.Succeeded || len(final[0].Actions) != 3 {
		t.Errorf("got %v", told(final[0]))
	}
	if runs := w.knock.State().Runs; len(runs) != 1 {
		t.Errorf("the workflow ran %d times", len(runs))
	}
}

func named(o *inbox.Options) { o.Owner = "dev" }
