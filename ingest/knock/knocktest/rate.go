// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"net/http"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// window counts an endpoint's calls in one second of the clock.
type window struct {
	second time.Time
	calls  int
}

// admit counts a call, or refuses it when its endpoint has had all of this second's.
func (w *world) admit(endpoint knock.Endpoint, rate int) *refusal {
	second := w.now().Truncate(time.Second)
	counted := w.windows[endpoint]
	if !counted.second.Equal(second) {
		counted = window{second: second}
	}
	if counted.calls >= rate {
		return &refusal{
			status: http.StatusTooManyRequests, Code: "rate_limited", Message: "too many requests",
			header: map[string]string{"Retry-After": "1"},
		}
	}
	counted.calls++
	w.windows[endpoint] = counted
	return nil
}
