// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"math"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/catchup"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

const (
	// measureInterval is how often the metrics of the queue are updated.
	measureInterval = 5 * time.Second
	// A source is behind if a lane has been due for dueLate, or if a call had or will have to wait for waitLong.
	dueLate  = 2 * time.Second
	waitLong = time.Second
)

// measureQueue updates the metrics of the queue and of the leases until ctx ends.
func (p *Pool) measureQueue(ctx context.Context) {
	ticker := time.NewTicker(measureInterval)
	defer ticker.Stop()
	for {
		p.measureQueueOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// measureQueueOnce updates the metrics and the forecast. If Redis is unavailable, it updates only the metrics of the
// leases.
func (p *Pool) measureQueueOnce(ctx context.Context) {
	count, bytes := p.leases.held()
	p.config.Metrics.setLeases(p.config.Source, count, bytes)
	stats, err := p.config.Inbox.Stats(ctx)
	if err != nil {
		return
	}
	now := p.config.Now()
	var age time.Duration
	if oldest := p.leases.oldest(stats.DueSince); !oldest.IsZero() {
		age = max(now.Sub(oldest), 0)
	}
	p.config.Metrics.setQueue(p.config.Source, stats.Depth, age, p.observe(ctx, stats, now))
}

// observe updates the forecast and returns it. If the process is not behind itself, it uses the forecast of another
// process that is.
func (p *Pool) observe(ctx context.Context, stats inbox.Stats, now time.Time) (seconds float64) {
	sample := catchup.Sample{At: now, Waiting: stats.Depth, Finished: stats.Finished, Limits: p.settings.Load().limits.Load()}
	waited := max(time.Duration(p.longestWait.Swap(0)), longestWait(sample.Limits))
	sample.Behind = !stats.DueSince.IsZero() && now.Sub(stats.DueSince) >= dueLate || waited >= waitLong
	if age := now.Sub(stats.CatchUpAt); stats.Depth > 0 && age >= 0 && age < 2*measureInterval {
		sample.Elsewhere = max(stats.CatchUp-age.Seconds(), 0)
	}
	seconds = p.forecast.Observe(sample)
	if sample.Behind {
		if err := p.config.Inbox.SetCatchUp(ctx, seconds, now); err != nil {
			p.config.Log.V(1).Info("Cannot store the forecast", "source", p.config.Source, "error", err.Error())
		}
	}
	return seconds
}

// longestWait returns how long the next calls will have to wait for a rate limit.
func longestWait(limits []ratelimit.Load) time.Duration {
	var longest time.Duration
	for _, l := range limits {
		longest = max(longest, l.Wait)
	}
	return longest
}

// Waiting returns how many events wait, and the forecast of when they will have been delivered.
func (p *Pool) Waiting() report.Delivery {
	waiting, seconds := p.forecast.Seconds(p.config.Now())
	if math.IsInf(seconds, 1) {
		return report.Delivery{Waiting: waiting, Growing: true}
	}
	return report.Delivery{Waiting: waiting, CatchUpSeconds: int64(math.Ceil(seconds))}
}
