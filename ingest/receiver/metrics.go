// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// meter counts. No label is a sender's choice.
type meter struct {
	requests *prometheus.CounterVec
	events   *prometheus.CounterVec
	duration prometheus.Histogram
}

func newMeter(registry prometheus.Registerer, inFlight *atomic.Int64) meter {
	factory := promauto.With(registry)
	factory.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "doorbell_receive_in_flight",
		Help: "Requests that are being read or accepted.",
	}, func() float64 { return float64(inFlight.Load()) })
	return meter{
		requests: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "doorbell_receive_requests_total",
			Help: "Requests by the status of their answer.",
		}, []string{"code"}),
		events: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "doorbell_receive_events_total",
			Help: "Events of requests that were answered 200, by what became of them.",
		}, []string{"outcome"}),
		duration: factory.NewHistogram(prometheus.HistogramOpts{
			Name:    "doorbell_receive_duration_seconds",
			Help:    "Time from a request's header until its answer is known.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
}

func (m meter) answer(status int, taken receipt, took time.Duration) {
	m.requests.WithLabelValues(strconv.Itoa(status)).Inc()
	m.events.WithLabelValues("accepted").Add(float64(taken.accepted))
	m.events.WithLabelValues("duplicate").Add(float64(taken.duplicates))
	m.duration.Observe(took.Seconds())
}
