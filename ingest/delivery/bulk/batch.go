// SPDX-License-Identifier: Apache-2.0

package bulk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	// gatherTime is how long the first row waits for others while no bulk call is due yet.
	gatherTime = 100 * time.Millisecond
	// maxBytes is the maximum size of the rows of one call. Knock publishes no limit for it. Its limit for the data of a
	// trigger is 10 MB.
	maxBytes = 5 << 20
	// minCall is the shortest time that a call needs. A row whose lease leaves less time is not sent.
	minCall = 2 * time.Second
)

// Run makes the bulk calls until ctx ends.
func (b *Batcher) Run(ctx context.Context) {
	defer b.operations.Wait()
	for b.awaitRows(ctx) && b.awaitInterval(ctx) {
		b.send(ctx)
	}
}

// awaitRows waits until a batch is full, or until the first row has waited for gatherTime. It reports false if ctx ends.
func (b *Batcher) awaitRows(ctx context.Context) bool {
	var gathered <-chan time.Time
	for {
		switch rows := b.rows(); {
		case rows >= knock.MaxBulkUsers:
			return ctx.Err() == nil
		case rows > 0 && gathered == nil:
			timer := time.NewTimer(gatherTime)
			defer timer.Stop()
			gathered = timer.C
		}
		select {
		case <-ctx.Done():
			return false
		case <-b.joined:
		case <-gathered:
			return true
		}
	}
}

// awaitInterval waits until one interval has passed since Knock's answer to the latest call, and longer if that call has
// failed. Knock counts a call at some time before its answer, so it never counts two calls within an interval, however
// much the time on the network varies.
func (b *Batcher) awaitInterval(ctx context.Context) bool {
	b.mu.Lock()
	next := latest(b.answered.Add(b.interval()), b.admission.blockedUntil)
	b.mu.Unlock()
	return wait(ctx, next.Sub(clock()))
}

// send makes one bulk call. It does not wait for the operation.
func (b *Batcher) send(ctx context.Context) {
	var batch []*member
	var at time.Time
	operation, response, err := b.call(ctx, knock.BulkIdentify, b.oldest(), func() (knock.Request, time.Duration, bool) {
		var users []knock.BulkUser
		var timeout time.Duration
		batch, users, timeout = b.take()
		request, err := knock.BulkIdentifyUsers(users)
		at = clock()
		return request, timeout, err == nil
	})
	if errors.Is(err, ErrNotCalled) {
		end(batch, Outcome{})
		b.releaseWaiting()
		return
	}
	b.recordAnswer(err)
	throttled, pause := isThrottled(err)
	if throttled && pause <= maxBlock {
		b.putBack(batch)
		return
	}
	if err != nil {
		end(batch, Outcome{Result: Failed, Response: response, Err: err, Pending: mayHaveStarted(err), At: at, Took: clock().Sub(at)})
		if throttled {
			b.releaseWaiting()
		}
		return
	}
	b.operations.Go(func() { b.follow(ctx, &sentBatch{batch, at, operation, response, operation.Skipped}) })
}

// isThrottled reports whether Knock has rejected the call with 429, and how long it asks to wait. The limit of the
// endpoint takes that time into account.
func isThrottled(err error) (throttled bool, pause time.Duration) {
	if answer, ok := errors.AsType[*knock.Error](err); ok && answer.Status == http.StatusTooManyRequests {
		return true, answer.RetryAfter
	}
	return false, 0
}

// putBack makes rows wait again that were not accepted.
func (b *Batcher) putBack(batch []*member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range batch {
		if m.sent = m.left; !m.left {
			b.waiting = append(b.waiting, m)
		}
	}
}

// mayHaveStarted reports whether Knock may have started an operation although the call failed.
func mayHaveStarted(err error) bool {
	answer, ok := errors.AsType[*knock.Error](err)
	return !ok || !answer.Rejected()
}

// take removes the rows of the oldest events from the waiting rows, as many as one call may have.
func (b *Batcher) take() (batch []*member, users []knock.BulkUser, timeout time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	slices.SortStableFunc(b.waiting, func(x, y *member) int { return x.ReceivedAt.Compare(y.ReceivedAt) })
	var rest []*member
	bytes := 0
	for i, m := range b.waiting {
		size, left := len(m.User.ID)+len(m.User.Body), m.Left()
		if len(batch) == knock.MaxBulkUsers || len(batch) > 0 && bytes+size > maxBytes {
			rest = slices.Clone(b.waiting[i:])
			break
		}
		m.sent = true
		if left < minCall {
			m.outcome <- Outcome{}
			continue
		}
		if len(batch) == 0 || left < timeout {
			timeout = left
		}
		bytes += size
		batch, users = append(batch, m), append(users, m.User)
	}
	b.waiting = rest
	return batch, users, timeout
}

// releaseWaiting ends all rows that wait as not sent, because bulk calls are not possible for now.
func (b *Batcher) releaseWaiting() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.waiting {
		m.sent = true
	}
	end(b.waiting, Outcome{})
	b.waiting = nil
}

func end(batch []*member, outcome Outcome) {
	for _, m := range batch {
		m.outcome <- outcome
	}
}

func (b *Batcher) rows() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// oldest returns when the oldest event of the waiting rows was received.
func (b *Batcher) oldest() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	var oldest time.Time
	for _, m := range b.waiting {
		if oldest.IsZero() || m.ReceivedAt.Before(oldest) {
			oldest = m.ReceivedAt
		}
	}
	return oldest
}

// removeWaiting removes a row from the waiting rows. The caller holds b.mu.
func (b *Batcher) removeWaiting(m *member) {
	if at := slices.Index(b.waiting, m); at >= 0 {
		b.waiting = slices.Delete(b.waiting, at, at+1)
	}
}

// wait waits for a duration. It reports false if ctx ends first.
func wait(ctx context.Context, duration time.Duration) bool {
	if duration <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// clock returns the process's clock, of which only the monotonic part matters.
func clock() time.Time { return time.Now() } //nolint:forbidigo // see above
