// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

func TestTheEventsPortAnswersHealthChecks(t *testing.T) {
	starting := receiver.New(receiver.Options{})
	ready := started(receiver.Options{}, new(fakeInbox).endpoint())
	draining := started(receiver.Options{}, new(fakeInbox).endpoint())
	draining.Drain()
	for name, tc := range map[string]struct {
		receiver *receiver.Receiver
		want     map[string]int
	}{
		"starting": {starting, map[string]int{"/": 503, "/readyz": 503, "/healthz": 200, "/other": 503}},
		"ready":    {ready, map[string]int{"/": 200, "/readyz": 200, "/healthz": 200, "/other": 404}},
		"draining": {draining, map[string]int{"/": 503, "/readyz": 503, "/healthz": 200, "/other": 404}},
	} {
		for path, want := range tc.want {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				response := httptest.NewRecorder()
				tc.receiver.ServeHTTP(response, httptest.NewRequest(method, path, http.NoBody))
				if response.Code != want {
					t.Errorf("%s: %s %s: %d; want %d", name, method, path, response.Code, want)
				}
			}
		}
	}
}

func TestAHealthCheckIsNoRejection(t *testing.T) {
	r := started(receiver.Options{}, new(fakeInbox).endpoint())
	response := httptest.NewRecorder()
	r.ServeHTTP(response, httptest.NewRequest(http.MethodPost, "/", http.NoBody))
	if response.Code != http.StatusNotFound {
		t.Errorf("POST /: %d; want 404, because only GET and HEAD are health checks", response.Code)
	}
}
