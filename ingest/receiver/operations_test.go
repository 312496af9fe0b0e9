// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/doorbell-dev/doorbell/ingest/receiver"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

func silent() report.Report { return report.Report{} }

func TestOperations(t *testing.T) {
	registry := prometheus.NewRegistry()
	r := receiver.New(receiver.Options{Metrics: registry})
	fine := func() error { return nil }
	for name, tc := range map[string]struct {
		handler http.Handler
		path    string
		want    answer
	}{
		"healthy":    {receiver.Operations(fine, fine, registry, silent), "/healthz", answer{200, "ok\n"}},
		"unhealthy":  {receiver.Operations(func() error { return errors.New("broken") }, fine, registry, silent), "/healthz", answer{503, "broken\n"}},
		"ready":      {receiver.Operations(fine, fine, registry, silent), "/readyz", answer{200, "ok\n"}},
		"not ready":  {receiver.Operations(fine, r.Ready, registry, silent), "/readyz", answer{503, "starting: the configuration is not loaded yet\n"}},
		"nothing":    {receiver.Operations(fine, fine, registry, silent), "/", answer{404, "404 page not found\n"}},
		"no metrics": {receiver.Operations(fine, fine, prometheus.NewRegistry(), silent), "/metrics", answer{200, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			tc.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, tc.path, nil))
			check(t, tc.want, answer{recorder.Code, recorder.Body.String()})
		})
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	address := serve(t, started(receiver.Options{Metrics: registry}, new(box).source()))
	send(t, address, sent{body: `[{"type":"x","seen":1},` + one + `,` + one + `]`})
	send(t, address, sent{body: "x"})
	send(t, address, sent{path: "/unknown"})
	send(t, address, sent{path: "/unheard-of"})
	want := `
# HELP doorbell_receive_events_total Events of requests that were answered 200, by what became of them.
# TYPE doorbell_receive_events_total counter
doorbell_receive_events_total{outcome="accepted"} 2
doorbell_receive_events_total{outcome="duplicate"} 1
# HELP doorbell_receive_in_flight Requests that are being read or accepted.
# TYPE doorbell_receive_in_flight gauge
doorbell_receive_in_flight 0
# HELP doorbell_receive_requests_total Requests by the status of their answer.
# TYPE doorbell_receive_requests_total counter
doorbell_receive_requests_total{code="200"} 1
doorbell_receive_requests_total{code="400"} 1
doorbell_receive_requests_total{code="404"} 2
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "doorbell_receive_events_total",
		"doorbell_receive_in_flight", "doorbell_receive_requests_total"); err != nil {
		t.Error(err)
	}
}
