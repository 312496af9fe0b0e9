// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func TestAPanicInAMappingDeadLettersTheEventAndDoesNotEndTheProcess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	running := f.settings
	f.settings.Delivery.Suspend = true
	p := f.start()
	p.send("order u 1")
	broken := running
	broken.Program = nil // evaluating it panics
	p.pool.Configure(broken)
	final, _ := p.finished(1)
	if final[0].Status != eventlog.DeadLettered || !strings.Contains(final[0].Reason, "internal error") {
		t.Errorf("got %s, %s", final[0].Status, final[0].Reason)
	}
	p.pool.Configure(running)
	p.send("order u 2")
	if final, _ := p.finished(1); final[0].Status != eventlog.Succeeded {
		t.Errorf("got %s, %s", final[0].Status, final[0].Reason)
	}
}

// panicking is a Caller that panics.
type panicking struct{ delivery.Caller }

func (panicking) Do(context.Context, knock.Request) (knock.Response, error) { panic("a broken caller") }

func TestAPanicDuringDeliveryDeadLettersOnlyThatEvent(t *testing.T) {
	t.Parallel()
	for name, breakSettings := range map[string]func(*delivery.Settings){
		"in redaction": func(s *delivery.Settings) { s.Redactor = nil },
		"in a call":    func(s *delivery.Settings) { s.Caller = panicking{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			working := f.settings
			breakSettings(&f.settings)
			p := f.start()
			p.send("order u 1", "order other 1")
			final, _ := p.finished(2)
			for _, e := range final {
				if e.Status != eventlog.DeadLettered || !strings.Contains(e.Reason, "internal error") {
					t.Errorf("got %v", summary(e))
				}
			}
			p.pool.Configure(working)
			p.send("order u 2")
			if final, _ := p.finished(1); final[0].Status != eventlog.Succeeded {
				t.Errorf("got %v", summary(final[0]))
			}
		})
	}
}
