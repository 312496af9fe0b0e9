// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Dropped is the status of a call that was cut off without an answer.
const Dropped = -1

// Call is one request as it arrived.
type Call struct {
	// Seq counts from 1, in order of arrival.
	Seq    int
	Method string
	// Path is as it was on the wire, with the query.
	Path string
	// Endpoint is empty when the path or the method is not Knock's.
	Endpoint knock.Endpoint
	Body     string
	// Header holds accept, content-type, idempotency-key, user-agent and x-knock-branch, as far as they came.
	Header map[string]string
	// Status is 0 until it is answered.
	Status int
	// Replayed is whether the answer was an earlier one, by its idempotency key.
	Replayed bool
	At       time.Time
}

// Calls lists what has arrived, answered or not.
func (k *Knock) Calls() []Call {
	k.lock.Lock()
	defer k.lock.Unlock()
	return slices.Clone(k.calls)
}

// Wait returns nil once enough says so of the calls; it is asked again whenever one arrives or is answered.
func (k *Knock) Wait(ctx context.Context, enough func([]Call) bool) error {
	for {
		k.lock.Lock()
		calls, changed := slices.Clone(k.calls), k.changed
		k.lock.Unlock()
		if enough(calls) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Answered is for Wait: at least so many calls that have their answer, be it a refusal.
func Answered(count int) func([]Call) bool {
	return func(calls []Call) bool {
		answered := 0
		for _, call := range calls {
			if call.Status != 0 {
				answered++
			}
		}
		return answered >= count
	}
}

// State is a copy of what the fake holds.
func (k *Knock) State() State {
	k.lock.Lock()
	defer k.lock.Unlock()
	return k.world.snapshot()
}

// arrived records a request.
func (k *Knock) arrived(r *http.Request, endpoint knock.Endpoint, body string) Call {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.seq++
	call := Call{
		Seq: k.seq, Method: r.Method, Path: r.RequestURI, Endpoint: endpoint, Body: body,
		Header: map[string]string{}, At: k.world.now(),
	}
	for _, name := range []string{"accept", "content-type", "idempotency-key", "user-agent", "x-knock-branch"} {
		if value := r.Header.Get(name); value != "" {
			call.Header[name] = value
		}
	}
	k.calls = append(k.calls, call)
	if k.history > 0 {
		k.calls = k.calls[max(0, len(k.calls)-k.history):]
	}
	k.announce()
	return call
}

// answered records what a call came to.
func (k *Knock) answered(seq, status int, replayed bool) {
	k.lock.Lock()
	defer k.lock.Unlock()
	if index := len(k.calls) - 1 - (k.seq - seq); index >= 0 {
		k.calls[index].Status, k.calls[index].Replayed = status, replayed
	}
	k.announce()
}

// announce wakes those who wait.
func (k *Knock) announce() {
	close(k.changed)
	k.changed = make(chan struct{})
}
