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

func TestARetryUsesThePlanOfTheFirstAttemptAfterMappingsChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.answers(knock.TriggerWorkflow, 500)
	p := f.start()
	p.send("order u 1", "order u 2")
	if e := p.next(); e.Status != eventlog.Retrying {
		t.Fatalf("got %v", summary(e))
	}
	changed := f.settings
	changed.Program = compile(t, `[{"name":"renamed","event":"order","action":"identifyUser","parameters":{"id":"body.user"}}]`)
	p.pool.Configure(changed)
	final, _ := p.finished(2)
	want := [][]string{{"succeeded: ", "order succeeded 2: "}, {"succeeded: ", "renamed succeeded 1: "}}
	if diff := cmp.Diff(want, [][]string{summary(final[0]), summary(final[1])}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	calls := f.knock.Calls()
	if diff := cmp.Diff(calls[0].Body, calls[1].Body); diff != "" {
		t.Errorf("the retry sent another body (-first +retry)\n%s", diff)
	}
}

func TestAWorkerThatLosesItsLeaseMakesNoMoreCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	release := f.hold("/v1/users/u")
	f.settings.Lease = 300 * time.Millisecond // renewed every 100 ms, which is when the worker learns that it has lost the lease
	p := f.start()
	p.send("all u 1")
	f.awaitCalls(arrived("/v1/users/u"))

	later := func() time.Time { return time.Now().Add(time.Minute) }
	other := f.openInbox(func(o *inbox.Options) { o.Now = later }) // by its clock, the lease has ended
	claimed, err := other.Claim(t.Context(), 0, 10, 0)
	if err != nil || len(claimed.Leases) != 1 {
		t.Fatalf("the other process claimed %d lanes, %v", len(claimed.Leases), err)
	}
	f.awaitCalls(func(calls []knocktest.Call) bool { return calls[0].Status == knocktest.Dropped })
	release()
	if _, err := other.Complete(t.Context(), claimed.Leases[0], nil, 0); err != nil {
		t.Errorf("the other process cannot finish: %v", err)
	}
	p.stop()
	if len(p.entries) > 0 || len(f.knock.Calls()) != 1 {
		t.Errorf("the worker logged %d entries and made the calls %v", len(p.entries), f.calls())
	}
}

func TestAStoppingProcessFinishesItsCallsAndReleasesItsOtherLeasesAtOnce(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Delivery.Concurrency = 1
	release := f.hold("/v1/users/u0")
	first := f.start()
	first.send("all u0 1")
	f.awaitCalls(arrived("/v1/users/u0"))
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
	made := len(f.knock.Calls())

	second := f.start() // it waits for less than a lease, so this fails if the first process keeps a lease
	finished := len(first.entries)
	final, _ := second.finished(20 - finished)
	for _, e := range final {
		if e.Status != eventlog.Succeeded {
			t.Errorf("user %s: %v", e.OrderingKey, summary(e))
		}
	}
	if calls := len(f.knock.Calls()); calls != 60 {
		t.Errorf("%d calls, %d of them by the first process; want each of 60 once", calls, made)
	}
}

func TestTheNextProcessOfAnOwnerContinuesWhereTheLastOneDied(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.hold("/v1/objects/things/u")
	died := f.start(func(c *delivery.Config) { c.Inbox = f.openInbox(named) })
	died.send("all u 1")
	f.awaitCalls(arrived("/v1/objects/things/u"))

	f.knock.Respond(nil)
	next := f.start(func(c *delivery.Config) { c.Inbox = f.openInbox(named) })
	final, _ := next.finished(1)
	if final[0].Status != eventlog.Succeeded || len(final[0].Actions) != 3 {
		t.Errorf("got %v", summary(final[0]))
	}
	if runs := f.knock.State().Runs; len(runs) != 1 {
		t.Errorf("the workflow ran %d times", len(runs))
	}
}

// named gives the inbox an owner.
func named(o *inbox.Options) { o.Owner = "dev" }
