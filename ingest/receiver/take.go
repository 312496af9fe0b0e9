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
func (r *Receiver) take(request *http.Request) (taken receipt, refused *refusal) {
	defer func() {
		if reason := recover(); reason != nil {
			r.options.Log.Error(fmt.Errorf("panic: %v", reason), "Request not handled", "stack", string(debug.Stack()))
			taken, refused = receipt{}, refuseInternal()
		}
	}()
	if refused := r.closed(); refused != nil {
		return receipt{}, refused
	}
	source := r.sources.Load().find(request.URL)
	if source == nil {
		return receipt{}, refuseUnknown()
	}
	taken, refused = r.takeFor(source, request)
	if refused != nil {
		r.options.Log.V(2).Info("Request refused", "source", source.ref(), "status", refused.status, "code", refused.code)
	}
	return taken, refused
}

// takeFor checks first what can be known without the body.
func (r *Receiver) takeFor(source *endpoint, request *http.Request) (receipt, *refusal) {
	switch request.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
	default:
		return receipt{}, refuseMethod()
	}
	mark, refused := source.verifyHeader(request.Header)
	if refused != nil {
		return receipt{}, refused
	}
	coding, refused := contentCoding(request.Header)
	if refused != nil {
		return receipt{}, refused
	}
	if request.ContentLength > r.options.MaxBody {
		return receipt{}, refuseLarge(r.options.MaxBody)
	}
	if !r.enter() {
		return receipt{}, refuseBusy()
	}
	defer r.leave()
	return r.takeBody(source, request, coding, mark)
}

func (r *Receiver) takeBody(source *endpoint, request *http.Request, coding coding, mark string) (receipt, *refusal) {
	loan := loan{from: &r.memory}
	defer loan.giveBack()
	body, refused := r.receive(request, &loan)
	if refused != nil {
		return receipt{}, refused
	}
	if source.Verification != nil && source.Verification.Scheme == document.SchemeHMAC {
		if mark, refused = source.verifyBody(request.Header, body); refused != nil {
			return receipt{}, refused
		}
	}
	if body, refused = r.inflate(body, coding, &loan); refused != nil {
		return receipt{}, refused
	}
	headers := source.headers(request.Header)
	events, refused := r.events(source, body, headers, mark)
	if refused != nil {
		return receipt{}, refused
	}
	return r.accept(request.Context(), source, events)
}

// events cuts the body up and has each event identified.
func (r *Receiver) events(source *endpoint, body []byte, headers map[string]string, mark string) ([]*event.Event, *refusal) {
	bodies, err := event.Split(body)
	if tooMany, ok := errors.AsType[*event.TooManyError](err); ok {
		return nil, refuseMany(tooMany)
	} else if err != nil {
		return nil, refuseBody(err.Error())
	}
	if int64(size(headers)*(len(bodies)-1)) > r.options.MaxBody { // each event is stored with a copy
		return nil, refuseHeaders(len(bodies))
	}
	array := bytes.TrimLeft(body, "\ufeff \t\r\n")[0] == '['
	events := make([]*event.Event, len(bodies))
	for i, body := range bodies {
		events[i] = &event.Event{ID: event.NewID(), Verification: mark, Headers: headers, Body: body}
		if err := source.Identify(events[i]); err != nil {
			if array {
				err = fmt.Errorf("element %d of the array: %w", i, err)
			}
			return nil, refuseEvent(err)
		}
	}
	return events, nil
}

// accept goes on when the sender goes away: what it asked for is nearly done, and a sender may close its side early.
func (r *Receiver) accept(ctx context.Context, source *endpoint, events []*event.Event) (receipt, *refusal) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.options.AcceptTimeout)
	defer cancel()
	receipts, err := source.Accept(ctx, events)
	r.report(source, err)
	if err != nil {
		return receipt{}, refuseForNow(err)
	}
	taken := count(receipts)
	if taken.duplicates > 0 && source.Duplicates != nil {
		source.Duplicates(ctx, events, receipts)
	}
	return taken, nil
}

// report logs when a source begins to turn events away, and when it takes them again.
func (r *Receiver) report(source *endpoint, err error) {
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
