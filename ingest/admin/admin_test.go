// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorbell-dev/doorbell/ingest/admin"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

func TestHandlerAnswersEachPath(t *testing.T) {
	type answer struct {
		Status int
		Body   string
	}
	ready := func() error { return nil }
	starting := func() error { return errors.New("starting: the configuration is not loaded yet") }
	const status = `{"program":"v1","configuration":{"apiKey":false},"redis":{"state":"","durable":false},"knock":{"state":""},"delivery":{"waiting":0,"catchUpSeconds":0}}` + "\n"
	for name, tc := range map[string]struct {
		ready func() error
		path  string
		want  answer
	}{
		"healthy":                    {ready, "/healthz", answer{200, "ok\n"}},
		"healthy before it is ready": {starting, "/healthz", answer{200, "ok\n"}},
		"ready":                      {ready, "/readyz", answer{200, "ok\n"}},
		"not ready":                  {starting, "/readyz", answer{503, "starting: the configuration is not loaded yet\n"}},
		"an unknown path":            {ready, "/", answer{404, "404 page not found\n"}},
		"an empty metrics registry":  {ready, "/metrics", answer{200, ""}},
		"status":                     {ready, "/status", answer{200, status}},
	} {
		t.Run(name, func(t *testing.T) {
			handler := admin.Handler(tc.ready, prometheus.NewRegistry(), func() report.Report { return report.Report{Program: "v1"} })
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, tc.path, http.NoBody))
			if diff := cmp.Diff(tc.want, answer{recorder.Code, recorder.Body.String()}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
