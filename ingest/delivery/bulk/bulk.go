// SPDX-License-Identifier: Apache-2.0

// Package bulk identifies many users with one call to Knock. Knock allows 60 identifies a second, but also one bulk
// identify of up to 1,000 users a second. While identifies wait for their limit, delivery passes them to a Batcher, which
// collects them, makes the bulk calls, and reads from Knock how each row has ended. A row that has not succeeded must
// then be identified alone, because Knock does not say why a row failed. The package must never put two rows of one user
// into Knock's hands at the same time, since Knock does not promise to apply rows in order.
package bulk

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// MaxPending is how long after a bulk call its operation may still change users. A user whose row has an unknown outcome
// is identified alone only after this time, so that the row cannot overwrite what the later call sets. Knock states no
// limit; its operations usually take seconds.
const MaxPending = 30 * time.Second

// ErrNotCalled means that Call has made no call, because the process stops, or the source is paused or suspended.
var ErrNotCalled = errors.New("the call was not made")

// Call makes a bulk call, or reads a bulk operation, when the limits of the source allow it. The oldest event of the call
// was received at receivedAt; calls of older events go first. When the turn of the call has come, Call calls prepare for
// the request and the maximum duration of the call. If prepare reports false, or if the call cannot be made, Call returns
// ErrNotCalled.
type Call func(
	ctx context.Context, endpoint knock.Endpoint, receivedAt time.Time,
	prepare func() (request knock.Request, timeout time.Duration, ok bool),
) (knock.BulkOperation, knock.Response, error)

// Row is the identify of one user.
type Row struct {
	User knock.BulkUser
	// ReceivedAt is when the event was received. The rows of older events go first.
	ReceivedAt time.Time
	// Left returns the maximum duration of a call that includes the row.
	Left func() time.Duration
}

// Result is how a row has ended.
type Result int

// The results.
const (
	// NotSent means that no call included the row.
	NotSent Result = iota
	// Identified means that Knock has identified the user.
	Identified
	// Failed means that the user must be identified alone. Outcome.Err says why.
	Failed
)

// String returns the result as the metrics name it.
func (r Result) String() string { return [...]string{"not-sent", "identified", "failed"}[r] }

// Outcome is what has become of a row. All fields except Result are zero if the row was not sent.
type Outcome struct {
	Result Result
	// Operation is the ID of the bulk operation; "" if Knock has not started one, or has not said so.
	Operation string
	// Response is Knock's latest response about the operation.
	Response knock.Response
	Err      error
	// Pending reports whether the operation may still change the user; see MaxPending.
	Pending bool
	// At is when the bulk call began. Took is the time until the outcome was known.
	At   time.Time
	Took time.Duration
}

// Batcher collects the rows of one source. Its methods are safe for concurrent use.
type Batcher struct {
	call       Call
	interval   func() time.Duration
	joined     chan struct{} // holds a value if a row has joined
	operations sync.WaitGroup

	mu        sync.Mutex
	waiting   []*member       // not sent yet
	users     map[string]bool // the users of all members
	members   int             // waiting and sent
	answered  time.Time       // when Knock answered the latest bulk call
	admission admission
}

// member is a row and the goroutine that waits for its outcome.
type member struct {
	Row
	outcome chan Outcome // has capacity for the one outcome
	sent    bool
	left    bool // nobody waits for the outcome any more
}

// New returns a batcher that makes its calls with call. interval returns the minimum time between two bulk calls by
// Knock's limit. Identify works while Run runs.
func New(call Call, interval func() time.Duration) *Batcher {
	return &Batcher{call: call, interval: interval, joined: make(chan struct{}, 1), users: map[string]bool{}}
}

// Identify waits until Knock has identified the user of the row together with others, or until that has failed. If ctx
// ends first, Identify reports false; the row may have been sent, and its operation may still change the user. If stop
// ends before a call includes the row, or if the batcher has another row of the user, the row is not sent.
func (b *Batcher) Identify(ctx context.Context, stop <-chan struct{}, row Row) (Outcome, bool) {
	m := b.join(row)
	if m == nil {
		return Outcome{}, true
	}
	defer b.leave(m)
	select {
	case outcome := <-m.outcome:
		return outcome, true
	case <-ctx.Done():
		return Outcome{}, false
	case <-stop:
	}
	if b.withdraw(m) {
		return Outcome{}, true
	}
	select {
	case outcome := <-m.outcome:
		return outcome, true
	case <-ctx.Done():
		return Outcome{}, false
	}
}

// Members returns the number of rows that wait for a call or for its outcome.
func (b *Batcher) Members() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.members
}

// FullBatches returns how many full batches wait for their calls.
func (b *Batcher) FullBatches() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) / knock.MaxBulkUsers
}

// join returns nil if the batcher has a row of the user.
func (b *Batcher) join(row Row) *member {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.users[row.User.ID] {
		return nil
	}
	m := &member{Row: row, outcome: make(chan Outcome, 1)}
	b.users[row.User.ID] = true
	b.members++
	b.waiting = append(b.waiting, m)
	select {
	case b.joined <- struct{}{}:
	default: // the last signal has not been received yet
	}
	return m
}

// leave forgets a member, whether it is still waiting or not.
func (b *Batcher) leave(m *member) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m.left = true
	b.members--
	delete(b.users, m.User.ID)
	if !m.sent {
		b.removeWaiting(m)
	}
}

// withdraw reports whether the row was not sent, and prevents that it is.
func (b *Batcher) withdraw(m *member) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m.sent {
		return false
	}
	b.removeWaiting(m)
	return true
}
