// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

const (
	firstStoreRetry = 50 * time.Millisecond
	lastStoreRetry  = time.Second
)

// recorded changes the inbox together with the event log's entry, and then tells the observer.
func (j *job) recorded(ctx context.Context, status eventlog.Status, reason string, change func(record []byte) error) error {
	config := j.pool.config
	entry := j.progress.entry(config.Source, j.claim.Event, status, reason)
	if status.Final() {
		now := config.Now().UTC()
		entry.FinishedAt = &now
	}
	entry = j.settings.Redactor.Apply(entry)
	record, err := eventlog.Encode(entry)
	if err != nil {
		return err
	}
	if err := j.end(ctx, func() error { return change(record) }); err != nil {
		return err
	}
	config.Metrics.event(status)
	if config.Observe != nil {
		config.Observe(entry)
	}
	return nil
}

// end makes the change that ends the claim. When it finds the claim lost after an attempt whose answer did not come, that
// attempt was the one that ended it, for nobody else could yet.
func (j *job) end(ctx context.Context, change func() error) error {
	j.pool.held.ending(j.claim)
	unanswered := false
	return j.store(ctx, func() error {
		err := change()
		if unanswered && errors.Is(err, inbox.ErrLost) && j.claim.Left() > 0 {
			return nil
		}
		unanswered = unanswered || errors.Is(err, inbox.ErrUnavailable)
		return err
	})
}

// store changes the inbox, and tries again while Redis is away for as long as the lease lasts: what Knock has been told
// should not have to be told again.
func (j *job) store(ctx context.Context, change func() error) error {
	for wait := firstStoreRetry; ; wait = min(2*wait, lastStoreRetry) {
		err := change()
		if !errors.Is(err, inbox.ErrUnavailable) || j.claim.Left() < wait {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
