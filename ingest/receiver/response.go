// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

const (
	// allowedMethods is the Allow header of a response with status 405.
	allowedMethods = "POST, PUT, PATCH"
	// maxDiscard and discardTimeout bound how much of the body of a rejected request is read and discarded, so that the
	// connection can be used again. If the connection is closed while the sender still writes, it may see an error
	// instead of the response.
	maxDiscard     = 8 << 20
	discardTimeout = time.Second
)

// summary counts the events of one successful request.
type summary struct{ accepted, duplicates int }

// oneAccepted is the response of most requests.
var oneAccepted = summary{accepted: 1}.body()

func (s summary) write(w http.ResponseWriter) {
	body := oneAccepted
	if s.accepted != 1 || s.duplicates != 0 {
		body = s.body()
	}
	write(w, http.StatusOK, body)
}

func (s summary) body() []byte {
	body := strconv.AppendInt([]byte(`{"accepted":`), int64(s.accepted), 10)
	body = strconv.AppendInt(append(body, `,"duplicates":`...), int64(s.duplicates), 10)
	return append(body, '}', '\n')
}

// rejection is every response except 200. Clients may rely on the status and the code. The message may change.
type rejection struct {
	status        int
	code, message string
	// reason, if set, replaces the message in the log and in the list of rejections. It may say more than strangers
	// should read.
	reason string
	// closes reports whether the server must close the connection after this response.
	closes bool
}

// Error returns the message of the response.
func (r *rejection) Error() string { return r.message }

func (r *rejection) body() []byte {
	type text struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, _ := json.Marshal(map[string]text{"error": {r.code, r.message}}) // encoding strings never fails
	return append(body, '\n')
}

// reject writes the rejection. It reads at most a little of the remaining body first. Otherwise net/http would read the
// rest of the body before it sends the response, for as long as a slow sender takes.
func (r *Receiver) reject(w http.ResponseWriter, request *http.Request, rejected *rejection) {
	if rejected.closes || !r.discardBody(w, request) {
		w.Header().Set("Connection", "close")
	}
	if rejected.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allowedMethods)
	}
	write(w, rejected.status, rejected.body())
}

// discardBody reads the rest of the body, and reports whether it reached the end.
func (r *Receiver) discardBody(w http.ResponseWriter, request *http.Request) bool {
	if request.ContentLength > maxDiscard || request.Header.Get("Expect") != "" { // with Expect, the sender has not sent its body
		return false
	}
	err := http.NewResponseController(w).SetReadDeadline(r.options.Now().Add(discardTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	_, err = io.CopyN(io.Discard, request.Body, maxDiscard+1)
	return errors.Is(err, io.EOF)
}

// contentType is the Content-Type header of every response. Responses share the slice, which nobody changes.
var contentType = []string{"application/json"}

// write writes a response. It leaves Content-Length to net/http, which adds it to every body of up to 2 KB, as all
// bodies of the receiver are.
func write(w http.ResponseWriter, status int, body []byte) {
	w.Header()["Content-Type"] = contentType
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // G705: the content type is JSON; and a sender that does not get the response retries
}

func starting() *rejection {
	return &rejection{status: http.StatusServiceUnavailable, code: "starting", message: "starting: the configuration is not loaded yet"}
}

func stopping() *rejection {
	return &rejection{
		status: http.StatusServiceUnavailable, code: "stopping", message: "stopping: send the request again on a new connection",
		closes: true,
	}
}

// notFound returns the rejection of a request whose URL belongs to no source. The response is the same for every
// reason, so that strangers cannot find out which sources exist.
func notFound(reason string) *rejection {
	return &rejection{status: http.StatusNotFound, code: "not_found", message: "no source has this URL", reason: reason}
}

func methodNotAllowed() *rejection {
	return &rejection{
		status: http.StatusMethodNotAllowed, code: "method_not_allowed", message: "use one of the methods " + allowedMethods,
	}
}

func unauthorized() *rejection {
	return &rejection{status: http.StatusUnauthorized, code: "unauthorized", message: "the sender verification failed"}
}

func unsupportedEncoding(message string) *rejection {
	return &rejection{status: http.StatusUnsupportedMediaType, code: "unsupported_encoding", message: message}
}

func bodyTooLarge(limit int64) *rejection {
	return tooLarge("body_too_large", fmt.Sprintf("the body is larger than %s", formatBytes(limit)))
}

func decompressedBodyTooLarge(limit int64) *rejection {
	return tooLarge("body_too_large", fmt.Sprintf("the decompressed body is larger than %s", formatBytes(limit)))
}

func tooManyEvents(err *event.TooManyError) *rejection {
	return tooLarge("too_many_events", err.Error())
}

func headersTooLarge(events int) *rejection {
	return tooLarge("headers_too_large", fmt.Sprintf(
		"the headers are too large to store them with each of %d events; send fewer events in one request", events))
}

func tooLarge(code, message string) *rejection {
	return &rejection{status: http.StatusRequestEntityTooLarge, code: code, message: message}
}

func requestTimeout(limit time.Duration) *rejection {
	return incompleteRequest(fmt.Sprintf("the request did not arrive completely within %s", limit))
}

func brokenRequest() *rejection {
	return incompleteRequest("the request is incomplete: its body ends too early or is malformed")
}

func incompleteRequest(message string) *rejection {
	return &rejection{status: http.StatusRequestTimeout, code: "incomplete_request", message: message, closes: true}
}

func invalidBody(message string) *rejection {
	return &rejection{status: http.StatusBadRequest, code: "invalid_body", message: message}
}

func overloaded() *rejection {
	return retryLater("overloaded", "too many requests at the same time; retry later")
}

// tooSlow returns the rejection of a slow body that the receiver interrupted to free memory for other bodies.
func tooSlow() *rejection {
	rejected := retryLater("overloaded", "the body arrived too slowly while memory was short; retry later")
	rejected.closes = true
	return rejected
}

func verificationUnavailable() *rejection {
	return retryLater("verification_unavailable", "senders cannot be verified at the moment; retry later")
}

func internalError() *rejection { return retryLater("internal", "internal error; retry later") }

// acceptFailed returns the rejection for an error of Endpoint.Accept. None of these errors is a mistake of the sender,
// and all are temporary.
func acceptFailed(err error) *rejection {
	full, ok := errors.AsType[*inbox.FullError](err)
	switch {
	case !ok:
		return retryLater("unavailable", "events cannot be stored at the moment; retry later")
	case full.Limit == inbox.LimitQueue:
		return retryLater("queue_full", "too many events are waiting for delivery; retry later")
	default:
		return retryLater("memory_full", "the memory for events is full; retry later")
	}
}

func retryLater(code, message string) *rejection {
	return &rejection{status: http.StatusTooManyRequests, code: code, message: message}
}

// formatBytes returns the number of bytes in MiB if it is a multiple of that, and in bytes otherwise.
func formatBytes(n int64) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
