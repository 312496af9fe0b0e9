// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// refusal is any answer but 200. Its code is part of the interface; its message is for people.
type refusal struct {
	status        int
	code, message string
	// closes is whether the connection cannot or should not be used again.
	closes bool
}

func (r *refusal) Error() string { return r.message }

func refuseStarting() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, code: "starting", message: "starting: the configuration is not loaded yet"}
}

func refuseStopping() *refusal {
	return &refusal{
		status: http.StatusServiceUnavailable, code: "stopping", message: "stopping: send it again on a new connection",
		closes: true,
	}
}

func refuseUnknown() *refusal {
	return &refusal{status: http.StatusNotFound, code: "not_found", message: "no source has this URL"}
}

func refuseMethod() *refusal {
	return &refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "send events with " + allowed}
}

func refuseSender() *refusal {
	return &refusal{status: http.StatusUnauthorized, code: "unauthorized", message: "the sender is not verified"}
}

func refuseCoding(message string) *refusal {
	return &refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_encoding", message: message}
}

func refuseLarge(limit int64) *refusal {
	return tooLarge("body_too_large", fmt.Sprintf("the body is over %s", bytesText(limit)))
}

func refuseInflated(limit int64) *refusal {
	return tooLarge("body_too_large", fmt.Sprintf("the body is over %s after inflating", bytesText(limit)))
}

func refuseMany(err *event.TooManyError) *refusal { return tooLarge("too_many_events", err.Error()) }

func refuseHeaders(events int) *refusal {
	return tooLarge("headers_too_large", fmt.Sprintf(
		"the headers are too large to be stored with each of %d events; send fewer events in one request", events))
}

func tooLarge(code, message string) *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, code: code, message: message}
}

func refuseLate(limit time.Duration) *refusal {
	return incomplete(fmt.Sprintf("the request did not arrive whole within %s", limit))
}

func refuseBroken() *refusal {
	return incomplete("the request did not arrive whole: its body is cut off or not well-formed")
}

func incomplete(message string) *refusal {
	return &refusal{status: http.StatusRequestTimeout, code: "incomplete_request", message: message, closes: true}
}

func refuseBody(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid_body", message: message}
}

func refuseEvent(err error) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid_event", message: err.Error()}
}

func refuseBusy() *refusal {
	return forNow("overloaded", "too many requests at once; send it again later")
}

func refuseSecretMissing() *refusal {
	return forNow("verification_unavailable", "senders cannot be verified at the moment; send it again later")
}

func refuseInternal() *refusal { return forNow("internal", "internal error; send it again later") }

// refuseForNow is for what Accept returns: none of that is the sender's mistake, all of it passes.
func refuseForNow(err error) *refusal {
	full, ok := errors.AsType[*inbox.FullError](err)
	switch {
	case !ok:
		return forNow("unavailable", "events cannot be stored at the moment; send it again later")
	case full.Limit == inbox.LimitQueue:
		return forNow("queue_full", "too many events are waiting to be delivered; send it again later")
	default:
		return forNow("memory_full", "the memory for events is used up; send it again later")
	}
}

func forNow(code, message string) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: code, message: message}
}

// bytesText writes a limit as people do.
func bytesText(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
