// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// deadlines is a Caller that records how much time each call has.
type deadlines struct {
	delivery.Caller
	left chan time.Duration
}

func (d deadlines) Do(ctx context.Context, request knock.Request) (knock.Response, error) {
	deadline, _ := ctx.Deadline()
	d.left <- time.Until(deadline)
	return d.Caller.Do(ctx, request)
}

func TestALongerTimeoutWorksWithoutARestart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Lease, f.settings.Delivery.Timeout = 6*time.Second, time.Second
	caller := deadlines{f.settings.Caller, make(chan time.Duration, 2)}
	f.settings.Caller = caller
	limits := inbox.Limits{Window: time.Hour, Lease: f.settings.Lease}
	box := f.openInbox(func(o *inbox.Options) { o.Limits = limits })
	p := f.start(func(c *delivery.Config) { c.Inbox = box })
	p.send("identify u 1")
	p.finished(1)
	if left := <-caller.left; left > time.Second {
		t.Errorf("the first call has %v", left)
	}

	f.settings.Lease, f.settings.Delivery.Timeout = 60*time.Second, 20*time.Second
	limits.Lease = f.settings.Lease
	box.Configure(limits)
	p.pool.Configure(f.settings)
	var left time.Duration
	for i := 2; i < 5; i++ { // a claim that was in progress may still have the former length
		p.send(fmt.Sprintf("identify u %d", i))
		p.finished(1)
		left = <-caller.left
	}
	if left < 15*time.Second {
		t.Errorf("a call after the change has %v; want 20 s", left)
	}
}
