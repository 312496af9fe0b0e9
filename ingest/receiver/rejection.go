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

// rejection is any answer but 200. Its code is part of the interface; its message is for people.
type rejection struct {
	status        int
	code, message string
	// closes is whether the connection cannot or should not be used again.
	closes bool
}

func (r *rejection) Error() string { return r.message }

func starting() *rejection {
	return &rejection{status: http.StatusServiceUnavailable, code: "starting", message: "starting: the configuration is not loaded yet"}
}

func stopping() *rejection {
	return &rejection{
		status: http.StatusServiceUnavailable, code: "stopping", message: "stopping: send it again on a new connection",
		closes: true,
	}
}

func notFound() *rejection {
	return &rejection{status: http.StatusNotFound, code: "not_found", message: "no source has this URL"}
}

func methodNotAllowed() *rejection {
	return &rejection{status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "send events with " + allowed}
}

func unauthorized() *rejection {
	return &rejection{status: http.StatusUnauthorized, code: "unauthorized", message: "the sender is not verified"}
}

func unsupportedEncoding(message string) *rejection {
	return &rejection{status: http.StatusUnsupportedMediaType, code: "unsupported_encoding", message: message}
}

func bodyTooLarge(limit int64) *rejection {
	return tooLarge("body_too_large", fmt.Sprintf("the body is over %s", bytesText(limit)))
}

func inflatedBodyTooLarge(limit int64) *rejection {
	return tooLarge("body_too_large", fmt.Sprintf("the body is over %s after inflating", bytesText(limit)))
}

func tooManyEvents(err *event.TooManyError) *rejection {
	return tooLarge("too_many_events", err.Error())
}

func headersTooLarge(events int) *rejection {
	return tooLarge("headers_too_large", fmt.Sprintf(
		"the headers are too large to be stored with each of %d events; send fewer events in one request", events))
}

func tooLarge(code, message string) *rejection {
	return &rejection{status: http.StatusRequestEntityTooLarge, code: code, message: message}
}

func requestTimeout(limit time.Duration) *rejection {
	return incompleteRequest(fmt.Sprintf("the request did not arrive whole within %s", limit))
}

func brokenRequest() *rejection {
	return incompleteRequest("the request did not arrive whole: its body is cut off or not well-formed")
}

func incompleteRequest(message string) *rejection {
	return &rejection{status: http.StatusRequestTimeout, code: "incomplete_request", message: message, closes: true}
}

func invalidBody(message string) *rejection {
	return &rejection{status: http.StatusBadRequest, code: "invalid_body", message: message}
}

func invalidEvent(err error) *rejection {
	return &rejection{status: http.StatusBadRequest, code: "invalid_event", message: err.Error()}
}

func overloaded() *rejection {
	return retryLater("overloaded", "too many requests at once; send it again later")
}

func verificationUnavailable() *rejection {
	return retryLater("verification_unavailable", "senders cannot be verified at the moment; send it again later")
}

func internalError() *rejection { return retryLater("internal", "internal error; send it again later") }

// acceptFailed is for what Accept returns: none of that is the sender's mistake, all of it passes.
func acceptFailed(err error) *rejection {
	full, ok := errors.AsType[*inbox.FullError](err)
	switch {
	case !ok:
		return retryLater("unavailable", "events cannot be stored at the moment; send it again later")
	case full.Limit == inbox.LimitQueue:
		return retryLater("queue_full", "too many events are waiting to be delivered; send it again later")
	default:
		return retryLater("memory_full", "the memory for events is used up; send it again later")
	}
}

func retryLater(code, message string) *rejection {
	return &rejection{status: http.StatusTooManyRequests, code: code, message: message}
}

// bytesText writes a limit as people do.
func bytesText(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
