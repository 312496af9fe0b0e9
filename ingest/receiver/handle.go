// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// take does all that a request asks for, but for the answer.
func (r *Receiver) handle(request *http.Request) (taken receipt, rejected *rejection) {
	defer func() {
		if reason := recover(); reason != nil {
			r.options.Log.Error(fmt.Errorf("panic: %v", reason), "Request not handled", "stack", string(debug.Stack()))
			taken, rejected = receipt{}, internalError()
		}
	}()
	if rejected := r.closed(); rejected != nil {
		return receipt{}, rejected
	}
	source := r.routes.Load().find(request.URL)
	if source == nil {
		return receipt{}, notFound()
	}
	taken, rejected = r.handleEndpoint(source, request)
	if rejected != nil {
		r.options.Log.V(2).Info("Request rejected", "source", source.ref(), "status", rejected.status, "code", rejected.code)
	}
	return taken, rejected
}

// handleEndpoint checks first what can be known without the body.
func (r *Receiver) handleEndpoint(source *route, request *http.Request) (receipt, *rejection) {
	switch request.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return receipt{}, methodNotAllowed()
	}
	mark, rejected := source.verifyHeader(request.Header)
	if rejected != nil {
		return receipt{}, rejected
	}
	coding, rejected := contentCoding(request.Header)
	if rejected != nil {
		return receipt{}, rejected
	}
	if request.ContentLength > r.options.MaxBody {
		return receipt{}, bodyTooLarge(r.options.MaxBody)
	}
	if !r.enter() {
		return receipt{}, overloaded()
	}
	defer r.leave()
	return r.handleBody(source, request, coding, mark)
}

func (r *Receiver) handleBody(source *route, request *http.Request, coding coding, mark string) (receipt, *rejection) {
	memoryBudget := memoryBudget{from: &r.memory}
	defer memoryBudget.giveBack()
	body, rejected := r.receive(request, &memoryBudget)
	if rejected != nil {
		return receipt{}, rejected
	}
	if source.Verification != nil && source.Verification.Scheme == document.SchemeHMAC {
		if mark, rejected = source.verifyBody(request.Header, body); rejected != nil {
			return receipt{}, rejected
		}
	}
	if body, rejected = r.inflate(body, coding, &memoryBudget); rejected != nil {
		return receipt{}, rejected
	}
	headers := source.headers(request.Header)
	events, rejected := r.events(source, body, headers, mark)
	if rejected != nil {
		return receipt{}, rejected
	}
	return r.accept(request.Context(), source, events)
}

// events cuts the body up and has each event identified.
func (r *Receiver) events(source *route, body []byte, headers map[string]string, mark string) ([]*event.Event, *rejection) {
	bodies, err := event.Split(body)
	if tooMany, ok := errors.AsType[*event.TooManyError](err); ok {
		return nil, tooManyEvents(tooMany)
	} else if err != nil {
		return nil, invalidBody(err.Error())
	}
	if int64(size(headers)*(len(bodies)-1)) > r.options.MaxBody { // each event is stored with a copy
		return nil, headersTooLarge(len(bodies))
	}
	array := bytes.TrimLeft(body, "\ufeff \t\r\n")[0] == '['
	events := make([]*event.Event, len(bodies))
	for i, body := range bodies {
		events[i] = &event.Event{ID: event.NewID(), Verification: mark, Headers: headers, Body: body}
		if err := source.Identify(events[i]); err != nil {
			if array {
				err = fmt.Errorf("element %d of the array: %w", i, err)
			}
			return nil, invalidEvent(err)
		}
	}
	return events, nil
}

// accept goes on when the sender goes away: what it asked for is nearly done, and a sender may close its side early.
func (r *Receiver) accept(ctx context.Context, source *route, events []*event.Event) (receipt, *rejection) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.options.AcceptTimeout)
	defer cancel()
	receipts, err := source.Accept(ctx, events)
	r.report(source, err)
	if err != nil {
		return receipt{}, acceptFailed(err)
	}
	taken := count(receipts)
	if taken.duplicates > 0 && source.RecordDuplicates != nil {
		source.RecordDuplicates(ctx, events, receipts)
	}
	return taken, nil
}

// report logs when a source begins to turn events away, and when it takes them again.
func (r *Receiver) report(source *route, err error) {
	failing := err != nil
	switch {
	case source.failing.Swap(failing) == failing:
	case failing:
		r.options.Log.Error(err, "Events are turned away with 429", "source", source.ref())
	default:
		r.options.Log.Info("Events are taken again", "source", source.ref())
	}
}

func count(receipts []inbox.Receipt) receipt {
	var taken receipt
	for _, r := range receipts {
		if r.Duplicate {
			taken.duplicates++
		} else {
			taken.accepted++
		}
	}
	return taken
}
