// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// handle processes a request up to, but not including, its response. source is NAMESPACE/NAME if the URL names a
// source. A panic becomes a rejection, so that a bug in one source does not end the connection without a response.
func (r *Receiver) handle(
	w http.ResponseWriter, request *http.Request, c *connection,
) (result summary, source string, rejected *rejection) {
	defer func() {
		if reason := recover(); reason != nil {
			r.options.Log.Error(fmt.Errorf("panic: %v", reason), "Request failed", "stack", string(debug.Stack()))
			result, rejected = summary{}, internalError()
		}
	}()
	if rejected := r.unavailable(); rejected != nil {
		return summary{}, "", rejected
	}
	route, source, rejected := r.routes.Load().find(request.URL)
	if rejected != nil {
		return summary{}, source, rejected
	}
	result, rejected = r.handleRoute(w, route, request, c)
	return result, source, rejected
}

// handleRoute makes all checks that need no body before it reads the body.
func (r *Receiver) handleRoute(w http.ResponseWriter, route *route, request *http.Request, c *connection) (summary, *rejection) {
	switch request.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return summary{}, methodNotAllowed()
	}
	mark, rejected := route.verifyHeader(request.Header)
	if rejected != nil {
		return summary{}, rejected
	}
	encoding, rejected := contentEncoding(request.Header)
	if rejected != nil {
		return summary{}, rejected
	}
	if request.ContentLength > r.options.MaxBody {
		return summary{}, bodyTooLarge(r.options.MaxBody)
	}
	budget := &memoryBudget{memory: r.memory}
	defer func() { budget.release(budget.reserved) }()
	body, rejected := r.readBody(w, request, budget)
	if rejected != nil {
		return summary{}, rejected
	}
	if !r.enter() {
		return summary{}, overloaded()
	}
	defer r.leave()
	c.setHandling(true)
	defer c.setHandling(false)
	return r.handleBody(route, request, body, encoding, mark, budget)
}

// handleBody verifies the signature of the body as it was sent, before it decompresses the body.
func (r *Receiver) handleBody(
	route *route, request *http.Request, body []byte, encoding encoding, mark string, budget *memoryBudget,
) (result summary, rejected *rejection) {
	if route.Verification != nil && route.Verification.Scheme == document.SchemeHMAC {
		if mark, rejected = route.verifyBody(request.Header, body); rejected != nil {
			return summary{}, rejected
		}
	}
	if body, rejected = r.decompress(body, encoding, budget); rejected != nil {
		return summary{}, rejected
	}
	events, rejected := r.parseEvents(route, body, route.storedHeaders(request.Header), mark)
	if rejected != nil {
		return summary{}, rejected
	}
	if !budget.reserve(encodedSize(events)) {
		return summary{}, overloaded()
	}
	return r.accept(route, events)
}

// accept stores the events. It does not use the context of the request, so it continues if the sender closes its
// connection: a sender may close its side early and still read the response, and the work is nearly done.
func (r *Receiver) accept(route *route, events []*event.Event) (summary, *rejection) {
	ctx := r.deadlines.context()
	receipts, err := route.Accept(ctx, events)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no reply from Redis within %s", r.options.AcceptTimeout)
	}
	r.logAccept(route, err)
	if err != nil {
		return summary{}, acceptFailed(err)
	}
	result := summarize(receipts)
	if result.duplicates > 0 && route.RecordDuplicates != nil {
		route.RecordDuplicates(ctx, events, receipts)
	}
	return result, nil
}

// logAccept logs when Accept begins to fail and when it succeeds again, not each failure in between.
func (r *Receiver) logAccept(route *route, err error) {
	failing := err != nil
	switch {
	case route.failing.Load() == failing || route.failing.Swap(failing) == failing: // Load, because Swap is slow when many processors use it
	case failing:
		r.options.Log.Error(err, "Rejecting events with status 429", "source", route.ref)
	default:
		r.options.Log.Info("Accepting events again", "source", route.ref)
	}
}

func summarize(receipts []inbox.Receipt) summary {
	var result summary
	for _, r := range receipts {
		if r.Duplicate {
			result.duplicates++
		} else {
			result.accepted++
		}
	}
	return result
}
