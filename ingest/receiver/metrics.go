// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// meter holds the metrics of the receiver. No label value comes from a sender, so the number of time series is bounded.
type meter struct {
	requests   *prometheus.CounterVec
	rejections *prometheus.CounterVec
	duration   prometheus.Histogram

	successes, accepted, duplicates prometheus.Counter // looked up once, because most requests succeed
}

func newMeter(registry prometheus.Registerer, inFlight *atomic.Int64, memory *memory) meter {
	factory := promauto.With(registry)
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "doorbell_receive_in_flight",
		Help: "Requests whose body has arrived and that are being handled.",
	}, func() float64 { return float64(inFlight.Load()) })
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "doorbell_receive_body_bytes",
		Help: "Bytes of memory that the bodies of requests in flight and their copies use.",
	}, func() float64 { return float64(memory.used()) })
	m := meter{
		requests: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "doorbell_receive_requests_total",
			Help: "Requests by the status code of the response.",
		}, []string{"code"}),
		rejections: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "doorbell_receive_rejections_total",
			Help: "Rejected requests by the error code of the response, such as body_too_large.",
		}, []string{"code"}),
		duration: factory.NewHistogram(prometheus.HistogramOpts{
			Name:    "doorbell_receive_duration_seconds",
			Help:    "Time from the end of the request header until the response is determined.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	events := factory.NewCounterVec(prometheus.CounterOpts{
		Name: "doorbell_receive_events_total",
		Help: "Events in requests with response status 200, by outcome: accepted or duplicate.",
	}, []string{"outcome"})
	m.successes = m.requests.WithLabelValues(strconv.Itoa(http.StatusOK))
	m.accepted, m.duplicates = events.WithLabelValues("accepted"), events.WithLabelValues("duplicate")
	return m
}

// observeSuccess counts one request with the response status 200, and its events.
func (m *meter) observeSuccess(result summary, elapsed time.Duration) {
	m.successes.Inc()
	m.accepted.Add(float64(result.accepted))
	if result.duplicates > 0 {
		m.duplicates.Add(float64(result.duplicates))
	}
	m.duration.Observe(elapsed.Seconds())
}

// observeRejection counts one request with another status.
func (m *meter) observeRejection(status int, elapsed time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(status)).Inc()
	m.duration.Observe(elapsed.Seconds())
}
