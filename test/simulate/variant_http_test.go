// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// This file breaks Doorbell between the senders and the process, and between the process and Knock.

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func respond(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// detached returns a copy of a request that lives longer than the request.
func detached(r *http.Request) (*http.Request, context.CancelFunc) {
	body, _ := io.ReadAll(r.Body) // from memory
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), timeout)
	again := r.Clone(ctx)
	again.Body = io.NopCloser(bytes.NewReader(body))
	again.ContentLength = int64(len(body))
	again.GetBody = nil
	return again, cancel
}

// send sends a copy of a request and reports whether the answer was a success.
func send(next http.RoundTripper, r *http.Request) bool {
	response, err := next.RoundTrip(r)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err == nil && response.StatusCode < 300
}

func answerFirst(w *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		again, cancel := detached(r)
		w.background.Go(func() {
			defer cancel()
			send(next, again)
		})
		return respond(http.StatusOK, `{"accepted":1,"duplicates":0}`), nil
	})
}

func answer400(_ *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err == nil && response.StatusCode == http.StatusTooManyRequests {
			response.StatusCode = http.StatusBadRequest
		}
		return response, err
	})
}

func neverAnswer(w *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if !w.isCalm() && time.Since(w.history.start) > time.Minute {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return next.RoundTrip(r)
	})
}

func finishFirst(w *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		again, cancel := detached(r)
		w.background.Go(func() {
			defer cancel()
			send(next, again)
		})
		return respond(http.StatusOK, "{}"), nil
	})
}

func retryLast(w *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		first, cancel := detached(r)
		defer cancel()
		body, _ := io.ReadAll(first.Body) // from memory
		again := func() *http.Request {
			first.Body = io.NopCloser(bytes.NewReader(body))
			return first
		}
		if send(next, again()) {
			return respond(http.StatusOK, "{}"), nil
		}
		w.background.Go(func() {
			for range 10 {
				time.Sleep(5 * time.Second)
				ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), timeout)
				ok := send(next, again().WithContext(ctx))
				if cancel(); ok {
					return
				}
			}
		})
		return respond(http.StatusOK, "{}"), nil
	})
}

func lateCancel(w *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "/cancel") {
			return next.RoundTrip(r)
		}
		again, cancel := detached(r)
		w.background.Go(func() {
			defer cancel()
			time.Sleep(time.Second)
			send(next, again)
		})
		return respond(http.StatusNoContent, ""), nil
	})
}

func withoutKey(_ *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		again := r.Clone(r.Context())
		for name := range again.Header {
			if strings.EqualFold(name, "idempotency-key") {
				delete(again.Header, name)
			}
		}
		return next.RoundTrip(again)
	})
}

func changeBody(_ *world, next http.RoundTripper) http.RoundTripper {
	var count atomic.Int64
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.URL.Path, "/trigger") {
			return next.RoundTrip(r)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		changed := strings.Replace(string(body), `"data":{`, fmt.Sprintf(`"data":{"attempt":%d,`, count.Add(1)), 1)
		again := r.Clone(r.Context())
		again.Body, again.ContentLength, again.GetBody = io.NopCloser(strings.NewReader(changed)), int64(len(changed)), nil
		return next.RoundTrip(again)
	})
}

func answerLate(w *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if since := time.Since(w.history.start); since > 30*time.Second && since < time.Minute {
			time.Sleep(6 * time.Second)
		}
		return response, err
	})
}

func withoutDeadline(_ *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 2*timeout)
		response, err := next.RoundTrip(r.WithContext(ctx))
		if err != nil {
			cancel()
			return nil, err
		}
		response.Body = closer{response.Body, cancel}
		return response, nil
	})
}

// closer is a body that also calls done when it is closed.
type closer struct {
	io.ReadCloser
	done func()
}

func (c closer) Close() error {
	defer c.done()
	return c.ReadCloser.Close()
}

// leakBody repeats some calls that have no effect and never closes the body of the response.
func leakBody(w *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Path, "/v1/users/") {
			ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
			w.background.Go(func() {
				time.Sleep(time.Hour) // until the schedule has ended
				cancel()
			})
			again := r.Clone(ctx)
			again.Method, again.Body, again.ContentLength = http.MethodGet, http.NoBody, 0
			_, _ = next.RoundTrip(again)
		}
		return next.RoundTrip(r)
	})
}

func neverRetry(_ *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err == nil && response.StatusCode >= http.StatusInternalServerError {
			response.StatusCode = http.StatusUnprocessableEntity
		}
		return response, err
	})
}
