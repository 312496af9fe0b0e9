// SPDX-License-Identifier: Apache-2.0

// Package admin is the HTTP handler of the admin port: health checks, metrics and the status report. Package ingest
// calls it. It must never change anything: every client that reaches the port may use it, without credentials.
package admin

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

// Handler serves /healthz, /readyz, /metrics and /status. /healthz always answers 200. /readyz answers 503 with the
// text of the error while ready returns one, and 200 otherwise. /status answers with the report as JSON.
func Handler(ready func() error, metrics prometheus.Gatherer, status func() report.Report) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+layout.HealthPath, healthCheck(func() error { return nil }))
	mux.Handle("GET "+layout.ReadyPath, healthCheck(ready))
	mux.Handle("GET "+layout.MetricsPath, promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET "+layout.StatusPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status()) // the only error is that the client closed the connection
	})
	return mux
}

func healthCheck(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := check(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // the only error is that the client closed the connection
	})
}
