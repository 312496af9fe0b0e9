// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"context"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Permits grants permits that several processes share. Package permits implements it in Redis.
type Permits interface {
	// Take asks for permits for several endpoints, and returns one grant for each request.
	Take(ctx context.Context, requests []Request) ([]Grant, error)
}

// Request asks for permits to call one endpoint.
type Request struct {
	Endpoint knock.Endpoint
	// Limit is the configured limit in calls a second.
	Limit float64
	// Waiting is the number of calls that wait and have no permit. First and Last are the times at which the events of
	// the first and the last of them were received.
	Waiting     int
	First, Last time.Time
	// Throttled reports that Knock answered 429 since the last request, and RetryAfter is how long it asks to wait.
	Throttled  bool
	RetryAfter time.Duration
}

// Grant is the answer to a Request. All times are those of this process's clock.
type Grant struct {
	// Permits is the number of permits. The first one allows a call at Start, and each further one an Interval later. A
	// permit that is not used within MaxLag expires, except for Spare permits, which remain valid a little longer.
	Permits  int
	Start    time.Time
	Interval time.Duration
	Spare    int
	// AskAt is when it is useful to ask for more permits.
	AskAt time.Time
	// PausedUntil is when the pause after a 429 ends. It is in the past if there is none.
	PausedUntil time.Time
	// Processes is the number of processes that make calls to the endpoint, including this one, and WaitingElsewhere is
	// how many calls wait in the others.
	Processes, WaitingElsewhere int
}

const (
	// takeTimeout bounds one attempt to take permits.
	takeTimeout = time.Second
	// takeInterval is the minimum time between two attempts, so that calls that begin to wait shortly after another share
	// an attempt.
	takeInterval = 10 * time.Millisecond
	// takeAgain is the time after a failed attempt until the next one.
	takeAgain = time.Second
)

// taker takes permits for the queues that need some. It takes them for all these queues at once, and has no goroutine
// while no queue needs any.
type taker struct {
	permits Permits

	mu      sync.Mutex
	running bool
	last    time.Time // when the latest attempt began
	needy   []*Queue
}

// ask makes the taker take permits for a queue. The caller holds the lock of the queue and calls ask once until the
// queue's receive is called.
func (t *taker) ask(q *Queue) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.needy = append(t.needy, q)
	if !t.running {
		t.running = true
		time.AfterFunc(t.last.Add(takeInterval).Sub(clock()), t.run)
	}
}

// run takes permits until no queue needs any.
func (t *taker) run() {
	t.mu.Lock()
	queues := t.needy
	t.needy, t.last = nil, clock()
	t.mu.Unlock()
	t.take(queues)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running = len(t.needy) > 0; t.running {
		time.AfterFunc(t.last.Add(takeInterval).Sub(clock()), t.run)
	}
}

func (t *taker) take(queues []*Queue) {
	requests := make([]Request, len(queues))
	for i, q := range queues {
		requests[i] = q.request()
	}
	ctx, cancel := context.WithTimeout(context.Background(), takeTimeout) //nolint:forbidigo // the permits are for many calls
	defer cancel()
	grants, err := t.permits.Take(ctx, requests)
	for i, q := range queues {
		if err != nil {
			q.goAlone(requests[i])
		} else {
			q.receive(grants[i])
		}
	}
}
