// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

func TestAPanicInAMappingCostsOneEventAndNotTheProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	running := w.settings
	w.settings.Delivery.Suspend = true
	p := w.start()
	p.send("order u 1")
	broken := running
	broken.Program = nil // using it panics
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
