// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
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
