// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Dropped is the status of a call whose connection was closed without a response.
const Dropped = -1

// Call is the record of one request.
type Call struct {
	// Seq is the position in the order of arrival, from 1.
	Seq    int
	Method string
	// Path is the escaped path with the query, as the client sent it.
	Path string
	// Endpoint is "" if Knock has no such path or method.
	Endpoint knock.Endpoint
	Body     string
	// Header has the headers accept, content-type, idempotency-key, user-agent and x-knock-branch that the request has.
	Header map[string]string
	// Status is the status of the response, or 0 before there is one.
	Status int
	// Replayed reports whether the fake repeated an earlier response because of the idempotency key.
	Replayed bool
	// At is the time of arrival.
	At time.Time
}

// Calls returns all calls in order of arrival, including calls that have no response yet.
func (k *Knock) Calls() []Call {
	k.lock.Lock()
	defer k.lock.Unlock()
	return slices.Clone(k.calls)
}

// Wait blocks until condition returns true. It evaluates the condition at once, and again whenever a call arrives or
// gets its response. If ctx ends first, Wait returns its error.
func (k *Knock) Wait(ctx context.Context, condition func([]Call) bool) error {
	for {
		k.lock.Lock()
		calls, changed := slices.Clone(k.calls), k.changed
		k.lock.Unlock()
		if condition(calls) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Answered returns a condition for Wait: at least count calls have a response, including rejections.
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

// State returns a copy of the stored state.
func (k *Knock) State() State {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.store.completeDue()
	return k.store.snapshot()
}

// recordCall records the arrival of a request.
func (k *Knock) recordCall(r *http.Request, endpoint knock.Endpoint, body string) Call {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.seq++
	call := Call{
		Seq: k.seq, Method: r.Method, Path: r.RequestURI, Endpoint: endpoint, Body: body,
		Header: map[string]string{}, At: k.store.now(),
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
	k.notifyWaiters()
	return call
}

// recordAnswer records the status of the response to a call.
func (k *Knock) recordAnswer(seq, status int, replayed bool) {
	k.lock.Lock()
	defer k.lock.Unlock()
	if index := len(k.calls) - 1 - (k.seq - seq); index >= 0 {
		k.calls[index].Status, k.calls[index].Replayed = status, replayed
	}
	k.notifyWaiters()
}

// notifyWaiters makes every Wait evaluate its condition again.
func (k *Knock) notifyWaiters() {
	close(k.changed)
	k.changed = make(chan struct{})
}
