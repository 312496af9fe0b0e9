// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// weighing is a Caller that records the largest size of the events that are leased during a call. The calls succeed.
type weighing struct {
	pool func() *delivery.Pool

	mu      sync.Mutex
	largest int
}

func (w *weighing) Do(ctx context.Context, request knock.Request) (knock.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.largest = max(w.largest, w.pool().LeasedBytes())
	return delivery.DryRun{}.Do(ctx, request)
}

func TestTheLeasedEventsHaveABudgetInBytes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var p *process
	caller := &weighing{pool: func() *delivery.Pool { return p.pool }}
	f.settings.Caller = caller
	running := f.settings
	f.settings.Delivery.Suspend = true
	p = f.start()
	const users, size = 64, 1 << 20
	padding := strings.Repeat("x", size)
	for i := range users {
		p.send(fmt.Sprintf(`{"type":"order","user":"u%d","id":"%d","padding":%q}`, i, i, padding))
	}
	p.pool.Configure(running)
	p.finished(users)
	if most := delivery.MaxLeasedBytes + 2*size; caller.largest > most || caller.largest < size {
		t.Errorf("%d bytes were leased at once; want at most %d", caller.largest, most)
	}
}
