// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

func TestMetricsCountRequestsAndEvents(t *testing.T) {
	registry := prometheus.NewRegistry()
	address := serve(t, started(receiver.Options{Metrics: registry}, new(fakeInbox).endpoint()))
	send(t, address, sent{body: `[{"type":"x","seen":1},` + one + `,` + one + `]`})
	send(t, address, sent{body: "x"})
	send(t, address, sent{path: "/unknown"})
	send(t, address, sent{path: "/unheard-of"})
	want := `
# HELP doorbell_receive_events_total Events in requests with response status 200, by outcome: accepted or duplicate.
# TYPE doorbell_receive_events_total counter
doorbell_receive_events_total{outcome="accepted"} 2
doorbell_receive_events_total{outcome="duplicate"} 1
# HELP doorbell_receive_in_flight Requests whose body has arrived and that are being handled.
# TYPE doorbell_receive_in_flight gauge
doorbell_receive_in_flight 0
# HELP doorbell_receive_requests_total Requests by the status code of the response.
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
