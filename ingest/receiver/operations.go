// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/doorbell-dev/doorbell/ingest/report"
)

// Operations serves /healthz, /readyz, /metrics and /status, on a port of its own. A check's error is answered 503, with its
// text.
func Operations(healthz, readyz func() error, metrics prometheus.Gatherer, status func() report.Report) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status()) // an asker that is gone needs no answer
	})
	mux.Handle("GET /healthz", check(healthz))
	mux.Handle("GET /readyz", check(readyz))
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

func check(check func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := check(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // a prober that is gone needs no answer
	})
}
