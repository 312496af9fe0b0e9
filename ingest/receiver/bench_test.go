// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// BenchmarkReceive handles one whole request without a socket and without an inbox.
func BenchmarkReceive(b *testing.B) {
	acceptAll := func(e *receiver.Endpoint) {
		e.Accept = func(_ context.Context, events []*event.Event) ([]inbox.Receipt, error) {
			return make([]inbox.Receipt, len(events)), nil
		}
	}
	for _, size := range []int{1 << 10, 32 << 10} {
		body := `{"type":"track","event":"Order Completed","properties":{"note":"` + strings.Repeat("x", size) + `"}}`
		b.Run(fmt.Sprintf("size=%dKiB", size>>10), func(b *testing.B) {
			r := started(receiver.Options{}, new(fakeInbox).endpoint(acceptAll))
			headers := header("Content-Type", "application/json", "User-Agent", "RudderLabs", "Accept-Encoding", "gzip")
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
				request.Header = headers
				r.ServeHTTP(httptest.NewRecorder(), request)
			}
		})
	}
}
