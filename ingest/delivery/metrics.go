// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Metrics count what deliveries do. A nil *Metrics counts nothing.
type Metrics struct {
	calls  *prometheus.HistogramVec
	events *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "doorbell_delivery_call_duration_seconds",
			Help:    "Time of each attempt at a Knock call, by endpoint and outcome.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 12),
		}, []string{"endpoint", "outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doorbell_delivery_events_total",
			Help: "Events by what became of them; retrying counts each time an event is put off.",
		}, []string{"status"}),
	}
	registry.MustRegister(m.calls, m.events)
	return m
}

func (m *Metrics) call(endpoint knock.Endpoint, v verdict, took time.Duration) {
	if m != nil {
		m.calls.WithLabelValues(string(endpoint), v.String()).Observe(took.Seconds())
	}
}

func (m *Metrics) event(status eventlog.Status) {
	if m != nil {
		m.events.WithLabelValues(string(status)).Inc()
	}
}

// String names a verdict for metrics.
func (v verdict) String() string {
	switch v {
	case succeeded:
		return "succeeded"
	case transient:
		return "transient"
	case permanent:
		return "permanent"
	case refused:
		return "refused"
	case deferred:
		return "deferred"
	case abandoned:
		return "abandoned"
	default:
		return "unknown"
	}
}
