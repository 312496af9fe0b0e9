// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
	"github.com/doorbell-dev/doorbell/ingest/delivery/policy"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

func TestAnExecutorKeepsItsLaneUnlessOtherLanesAreDueOrDeliveryMustStop(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		inARow int
		change func(*Pool, context.CancelFunc)
		want   int
	}{
		"no other lane is due":                {10_000, func(*Pool, context.CancelFunc) {}, maxLeasedBytes},
		"others may be due, within its share": {maxInARow - 1, func(p *Pool, _ context.CancelFunc) { p.atCapacity.Store(true) }, maxLeasedBytes},
		"others may be due, after its share":  {maxInARow, func(p *Pool, _ context.CancelFunc) { p.atCapacity.Store(true) }, 0},
		"the process stops":                   {1, func(_ *Pool, stop context.CancelFunc) { stop() }, 0},
		"the source is paused": {1, func(p *Pool, _ context.CancelFunc) {
			p.pause.Record(health.Answer{Meaning: policy.KeyRejected, Reason: "401"})
		}, 0},
		"the source is suspended": {1, func(p *Pool, _ context.CancelFunc) {
			settings := *p.settings.Load()
			settings.Delivery.Suspend = true
			p.settings.Store(&settings)
		}, 0},
		"the leased events are large": {1, func(p *Pool, _ context.CancelFunc) { p.leases.bytes = maxLeasedBytes - 1 }, 101},
		"the budget is used up":       {1, func(p *Pool, _ context.CancelFunc) { p.leases.bytes = maxLeasedBytes + 100 }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &Pool{pause: health.NewPause(time.Now), leases: activeLeases{work: map[*inbox.Lease]leasedWork{}, bytes: 100}}
			p.settings.Store(&activeSettings{})
			stopping, stop := context.WithCancel(t.Context())
			defer stop()
			tc.change(p, stop)
			if got := p.room(stopping, 100, tc.inARow); got != tc.want {
				t.Errorf("got %d bytes; want %d", got, tc.want)
			}
		})
	}
}
