// SPDX-License-Identifier: Apache-2.0

package delivery

import "context"

// MaxLeasedBytes is the budget for leased events.
const MaxLeasedBytes = maxLeasedBytes

// LeasedBytes returns the size of the events that the pool has leased.
func (p *Pool) LeasedBytes() int {
	_, bytes := p.leases.held()
	return bytes
}

// MeasureQueue updates the metrics of the queue.
func (p *Pool) MeasureQueue(ctx context.Context) { p.measureQueueOnce(ctx) }
