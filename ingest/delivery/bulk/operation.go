// SPDX-License-Identifier: Apache-2.0

package bulk

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	// firstPoll is the time from the bulk call to the first poll. Each further wait is half as long again, up to
	// maxPoll.
	firstPoll = 200 * time.Millisecond
	maxPoll   = 2 * time.Second
	// maxOperation is how long the batcher polls an operation. A user whose operation never ends must not wait for the
	// whole of retryFor, because the user's later events wait as well.
	maxOperation = 5 * time.Minute
)

// sentBatch is a batch that Knock has accepted.
type sentBatch struct {
	members   []*member
	at        time.Time // when the bulk call began
	operation knock.BulkOperation
	response  knock.Response
	skipped   []string // the IDs of the rows that Knock ignores
}

// follow polls the operation of a batch until it has ended, until the batcher cannot find out how it ended, or until no
// member waits for it.
func (b *Batcher) follow(ctx context.Context, sent *sentBatch) {
	for interval := firstPoll; !sent.operation.Done(); interval = min(interval+interval/2, maxPoll) {
		if !wait(ctx, interval) || !b.awaited(sent) {
			return
		}
		if err := b.poll(ctx, sent); err != nil {
			b.fail(sent, err, true)
			return
		}
	}
	b.finish(sent)
}

// poll reads the state of the operation. It returns an error if it is useless to poll again.
func (b *Batcher) poll(ctx context.Context, sent *sentBatch) error {
	request, err := knock.GetBulkOperation(sent.operation.ID)
	if err != nil {
		return err
	}
	operation, response, err := b.call(ctx, knock.BulkOperationStatus, time.Time{}, func() (knock.Request, time.Duration, bool) {
		return request, maxOperation, true
	})
	if err == nil {
		sent.operation, sent.response = operation, response
	}
	answer, answered := errors.AsType[*knock.Error](err)
	switch {
	case answered && answer.Rejected() && !answer.Temporary() && !answer.RejectsKey():
		return fmt.Errorf("bulk operation %s: %w", sent.operation.ID, err)
	case sent.operation.Done() || clock().Sub(sent.at) < maxOperation:
		return nil
	case err != nil:
		return fmt.Errorf("bulk operation %s: no outcome after %v: %w", sent.operation.ID, maxOperation, err)
	default:
		return fmt.Errorf("bulk operation %s: its status is still %s after %v", sent.operation.ID, sent.operation.Status, maxOperation)
	}
}

// awaited reports whether any member waits for the outcome.
func (b *Batcher) awaited(sent *sentBatch) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range sent.members {
		if !m.left {
			return true
		}
	}
	return false
}

// finish ends the rows of an operation that has ended.
func (b *Batcher) finish(sent *sentBatch) {
	o := sent.operation
	switch {
	case o.Status == knock.BulkFailed:
		b.fail(sent, fmt.Errorf("bulk operation %s failed as a whole", o.ID), false)
		return
	case o.Failed > len(o.FailedRows):
		b.fail(sent, fmt.Errorf("bulk operation %s: Knock names only %d of %d failed rows", o.ID, len(o.FailedRows), o.Failed), false)
		return
	}
	failures := map[string]error{}
	for _, id := range sent.skipped {
		failures[id] = fmt.Errorf("bulk operation %s skipped this user, whom Knock does not change again so soon", o.ID)
	}
	for _, row := range o.FailedRows {
		failures[row.ID] = fmt.Errorf("bulk operation %s failed for this user", o.ID)
	}
	for _, m := range sent.members {
		outcome := sent.outcome()
		outcome.Result = Identified
		if err := failures[m.User.ID]; err != nil {
			outcome.Result, outcome.Err = Failed, err
		}
		m.outcome <- outcome
	}
}

func (b *Batcher) fail(sent *sentBatch, err error, pending bool) {
	outcome := sent.outcome()
	outcome.Result, outcome.Err, outcome.Pending = Failed, err, pending
	end(sent.members, outcome)
}

func (s *sentBatch) outcome() Outcome {
	return Outcome{Operation: s.operation.ID, Response: s.response, At: s.at, Took: clock().Sub(s.at)}
}
