// SPDX-License-Identifier: Apache-2.0

// Package ratelimit spaces the calls to each of Knock's endpoints. Delivery asks it before every call. If calls wait
// for a limit, the call of the event that was accepted first goes first. The limits hold for all processes of a source
// together, if Limits has Permits. A limit on one endpoint must never delay calls to another.
package ratelimit

import (
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Limits holds one Queue for each endpoint, because Knock limits each endpoint separately. It is safe for concurrent
// use.
type Limits struct {
	taker *taker // nil if the limits hold for this process only

	mu     sync.Mutex
	rates  map[string]int32
	queues map[knock.Endpoint]*Queue
}

// New returns limits with these rates, in calls a second. An endpoint that rates does not name gets the limit that
// Knock publishes. If permits is nil, the limits hold for this process only.
func New(rates map[string]int32, permits Permits) *Limits {
	l := &Limits{rates: rates, queues: map[knock.Endpoint]*Queue{}}
	if permits != nil {
		l.taker = &taker{permits: permits}
	}
	return l
}

// Configure changes the rates. It takes effect on waiting calls at once.
func (l *Limits) Configure(rates map[string]int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rates = rates
	for endpoint, q := range l.queues {
		q.setLimit(l.rate(endpoint))
	}
}

// Queue returns the queue of an endpoint. Unknown endpoints get a queue too, because a newer version of Doorbell may
// have planned the call.
func (l *Limits) Queue(endpoint knock.Endpoint) *Queue {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queues[endpoint]
	if q == nil {
		q = newQueue(endpoint, l.rate(endpoint), l.taker)
		l.queues[endpoint] = q
	}
	return q
}

// Waiting returns how many calls wait in all queues.
func (l *Limits) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, q := range l.queues {
		n += q.waitingCalls()
	}
	return n
}

// Wait estimates how long the call of a new event would wait for the limit of an endpoint. It is 0 if the call could be
// made at once.
func (l *Limits) Wait(endpoint knock.Endpoint) time.Duration { return l.Queue(endpoint).expectedWait() }

// Load describes the calls to one endpoint.
type Load struct {
	Endpoint knock.Endpoint
	// WaitingElsewhere is the number of calls that wait for the limit in other processes, as far as that is known.
	WaitingElsewhere int
	// Rate is the number of calls a second that all processes together can make at present.
	Rate float64
	// Wait is the expected wait of a new call; see Limits.Wait.
	Wait time.Duration
}

// Load describes the calls to each endpoint that was called since the process began.
func (l *Limits) Load() []Load {
	l.mu.Lock()
	defer l.mu.Unlock()
	loads := make([]Load, 0, len(l.queues))
	for _, q := range l.queues {
		loads = append(loads, q.load())
	}
	return loads
}

func (l *Limits) rate(endpoint knock.Endpoint) float64 {
	if rate, ok := l.rates[string(endpoint)]; ok {
		return max(float64(rate), 1)
	}
	return float64(endpoint.Rate())
}
