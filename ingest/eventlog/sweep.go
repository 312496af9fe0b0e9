// SPDX-License-Identifier: Apache-2.0

package eventlog

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const (
	// sweepInterval is the time between two sweeps.
	sweepInterval = time.Minute
	// sweepStep is the maximum number of records that one script deletes, so that it does not block Redis for long.
	sweepStep = 250
	// sweepTimeout bounds one sweep of Run.
	sweepTimeout = 30 * time.Second
)

// Run sweeps the log at once and then every minute until ctx ends. Every process that runs the source calls it.
// Processes that sweep at the same time share the work without coordination. If a sweep fails, Run calls failed with
// the error, and the next sweep repeats the work.
func (l *Log) Run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		sweep, cancel := context.WithTimeout(ctx, sweepTimeout)
		if err := l.Sweep(sweep); err != nil && ctx.Err() == nil {
			failed(err)
		}
		cancel()
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Sweep deletes the records that exceed the limits, in many short steps. Every write enforces the maximum number of
// records, but only Sweep enforces the retention. The retention therefore also applies to a source that receives no
// events.
func (l *Log) Sweep(ctx context.Context) error {
	retention := strconv.FormatInt(l.limits.Load().Retention.Milliseconds(), 10)
	for _, s := range l.sections() {
		args := []string{"", strconv.Itoa(s.max), retention, strconv.Itoa(sweepStep)}
		for deleted := int64(sweepStep); deleted == sweepStep; {
			var err error
			if deleted, err = l.sweep.Exec(ctx, l.client, []string{s.log, s.index}, args).AsInt64(); err != nil {
				return fmt.Errorf("event log: sweep: %w", err)
			}
		}
	}
	return nil
}
