// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// allowed is the Allow header of a 405.
	allowed = "POST, PUT, PATCH"
	// maxDrain and drainTime bound what is read of a rejected body, so that the connection can be used again.
	maxDrain  = 256 << 10
	drainTime = 250 * time.Millisecond
)

// receipt is what became of the events of one request.
type receipt struct{ accepted, duplicates int }

func (r receipt) write(w http.ResponseWriter) {
	body := strconv.AppendInt([]byte(`{"accepted":`), int64(r.accepted), 10)
	body = strconv.AppendInt(append(body, `,"duplicates":`...), int64(r.duplicates), 10)
	write(w, http.StatusOK, append(body, '}', '\n'))
}

// reject answers with the rejection. Left to itself, net/http would read the rest of the body before it sends the answer,
// for as long as a slow sender takes; here a rejection is prompt.
func (r *Receiver) reject(w http.ResponseWriter, request *http.Request, rejected *rejection) {
	if rejected.closes || !r.drain(w, request) {
		w.Header().Set("Connection", "close")
	}
	if rejected.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allowed)
	}
	write(w, rejected.status, rejected.body())
}

// drain reads what is left of the body, and reports whether that was all of it.
func (r *Receiver) drain(w http.ResponseWriter, request *http.Request) bool {
	if request.ContentLength > maxDrain || request.Header.Get("Expect") != "" { // who waits for our go-ahead has sent nothing
		return false
	}
	err := http.NewResponseController(w).SetReadDeadline(r.options.Now().Add(drainTime))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return false
	}
	_, err = io.CopyN(io.Discard, request.Body, maxDrain+1)
	return errors.Is(err, io.EOF)
}

func (r *rejection) body() []byte {
	type text struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, _ := json.Marshal(map[string]text{"error": {r.code, r.message}}) // strings always marshal
	return append(body, '\n')
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // G705: it is JSON, typed so; and a sender that does not hear it sends again
}
