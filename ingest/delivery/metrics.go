// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Metrics counts deliveries. A nil *Metrics counts nothing. It is safe for concurrent use.
type Metrics struct {
	calls  *prometheus.HistogramVec
	events *prometheus.CounterVec
}

// NewMetrics returns metrics that are registered with registry. It panics if they are registered already.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "doorbell_delivery_call_duration_seconds",
			Help:    "Duration of each attempt at a call to Knock, by endpoint and outcome.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 12),
		}, []string{"endpoint", "outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doorbell_delivery_events_total",
			Help: "Events by status; retrying counts every time an event is scheduled for a retry.",
		}, []string{"status"}),
	}
	registry.MustRegister(m.calls, m.events)
	return m
}

func (m *Metrics) observeCall(endpoint knock.Endpoint, o outcome, took time.Duration) {
	if m != nil {
		m.calls.WithLabelValues(string(endpoint), o.String()).Observe(took.Seconds())
	}
}

func (m *Metrics) countEvent(status eventlog.Status) {
	if m != nil {
		m.events.WithLabelValues(string(status)).Inc()
	}
}

// String returns the label value of an outcome.
func (o outcome) String() string {
	switch o {
	case succeeded:
		return "succeeded"
	case transient:
		return "transient"
	case permanent:
		return "permanent"
	case keyRejected:
		return "refused"
	case deferred:
		return "deferred"
	case abandoned:
		return "abandoned"
	default:
		return "unknown"
	}
}
