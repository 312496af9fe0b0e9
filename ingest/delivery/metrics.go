// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorbell-dev/doorbell/ingest/delivery/bulk"
	"github.com/doorbell-dev/doorbell/ingest/delivery/health"
	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// Metrics counts deliveries. A nil *Metrics counts nothing. It is safe for concurrent use.
type Metrics struct {
	calls       *prometheus.HistogramVec
	events      *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
	leasesLost  prometheus.Counter
	limitWait   *prometheus.HistogramVec
	bulkRows    *prometheus.CounterVec
	paused      *prometheus.GaugeVec
	depth       *prometheus.GaugeVec
	oldest      *prometheus.GaugeVec
	leases      *prometheus.GaugeVec
	leasedBytes *prometheus.GaugeVec
	catchUp     *prometheus.GaugeVec

	callSeries      series[[2]string, prometheus.Observer] // of calls, by endpoint and outcome
	limitWaitSeries series[string, prometheus.Observer]    // of limitWait, by endpoint
	eventSeries     series[string, prometheus.Counter]     // of events, by status
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
		deadLetters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doorbell_delivery_dead_letters_total",
			Help: "Events that were dead-lettered, by the reason of their first failed action.",
		}, []string{"reason"}),
		leasesLost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "doorbell_delivery_leases_lost_total",
			Help: "Leases that ended before the work on their event did.",
		}),
		limitWait: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "doorbell_delivery_rate_limit_wait_seconds",
			Help:    "Time for which each call waited for the rate limit and for a free concurrent call, by endpoint.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}, []string{"endpoint"}),
		bulkRows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "doorbell_delivery_bulk_rows_total",
			Help: "Identifies that were part of a bulk call, by outcome; after the outcome failed, the user is identified alone.",
		}, []string{"outcome"}),
		paused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "doorbell_delivery_paused",
			Help: "1 while the deliveries of a source are paused, because Knock rejects its API key or no call succeeds; else 0.",
		}, []string{"source"}),
		depth: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "doorbell_delivery_queue_events",
			Help: "Events of a source that are accepted and not finished, in all processes; read every 5 seconds.",
		}, []string{"source"}),
		oldest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "doorbell_delivery_oldest_event_age_seconds",
			Help: "Age of the oldest event of a source that is due or that this process is delivering; for a retry, from when it is due; read every 5 seconds.",
		}, []string{"source"}),
		catchUp: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "doorbell_delivery_catch_up_seconds",
			Help: "Forecast of the time until all waiting events of a source are delivered: 0 if it is not behind, +Inf if it never catches up at the present rate of arrivals.",
		}, []string{"source"}),
		leases: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "doorbell_delivery_leases",
			Help: "Events of a source that this process is delivering, or holds back for a rate limit; read every 5 seconds.",
		}, []string{"source"}),
		leasedBytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "doorbell_delivery_leased_bytes",
			Help: "Stored size of the events in doorbell_delivery_leases and of their progress; read every 5 seconds.",
		}, []string{"source"}),
	}
	registry.MustRegister(m.calls, m.events, m.deadLetters, m.leasesLost, m.limitWait, m.bulkRows, m.paused, m.depth, m.oldest,
		m.leases, m.leasedBytes, m.catchUp)
	return m
}

// abandonedCall is the outcome of a call that was interrupted because the lease was lost or the process stopped.
const abandonedCall = "abandoned"

func (m *Metrics) observeCall(endpoint knock.Endpoint, outcome string, took time.Duration) {
	if m != nil {
		m.callSeries.get([2]string{string(endpoint), outcome}, func() prometheus.Observer {
			return m.calls.WithLabelValues(string(endpoint), outcome)
		}).Observe(took.Seconds())
	}
}

// CountEvent counts an event that has got this status.
func (m *Metrics) CountEvent(status eventlog.Status) {
	if m != nil {
		m.eventSeries.get(string(status), func() prometheus.Counter { return m.events.WithLabelValues(string(status)) }).Inc()
	}
}

func (m *Metrics) countDeadLetter(cause progress.Cause) {
	if m != nil {
		m.deadLetters.WithLabelValues(string(cause)).Inc()
	}
}

func (m *Metrics) countLostLeases(n int) {
	if m != nil {
		m.leasesLost.Add(float64(n))
	}
}

func (m *Metrics) observeRateLimitWait(endpoint knock.Endpoint, wait time.Duration) {
	if m != nil {
		m.limitWaitSeries.get(string(endpoint), func() prometheus.Observer {
			return m.limitWait.WithLabelValues(string(endpoint))
		}).Observe(wait.Seconds())
	}
}

func (m *Metrics) countBulkRow(result bulk.Result) {
	if m != nil {
		m.bulkRows.WithLabelValues(result.String()).Inc()
	}
}

func (m *Metrics) setPaused(source string, cause health.Cause) {
	if m != nil {
		paused := 0.0
		if cause != health.None {
			paused = 1
		}
		m.paused.WithLabelValues(source).Set(paused)
	}
}

func (m *Metrics) setQueue(source string, depth int64, oldest time.Duration, catchUp float64) {
	if m != nil {
		m.depth.WithLabelValues(source).Set(float64(depth))
		m.oldest.WithLabelValues(source).Set(oldest.Seconds())
		m.catchUp.WithLabelValues(source).Set(catchUp)
	}
}

func (m *Metrics) setLeases(source string, count, bytes int) {
	if m != nil {
		m.leases.WithLabelValues(source).Set(float64(count))
		m.leasedBytes.WithLabelValues(source).Set(float64(bytes))
	}
}
