// SPDX-License-Identifier: Apache-2.0

package catchup

import (
	"math"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// observe gives the forecast a sample every five seconds, in which the rate limit of identifyUser holds deliveries back.
// The counts are the waiting and the finished events. observe returns the last forecast.
func observe(f *Forecast, counts ...[2]int64) (seconds float64) {
	limits := []ratelimit.Load{{Endpoint: knock.IdentifyUser, Rate: 60, Wait: time.Minute}}
	for i, c := range counts {
		seconds = f.Observe(Sample{
			At: start.Add(time.Duration(i) * 5 * time.Second), Waiting: c[0], Finished: c[1], Behind: true, Limits: limits,
		})
	}
	return seconds
}

// deliver counts n finished events, each with these calls.
func deliver(f *Forecast, n int, endpoints ...knock.Endpoint) {
	p := &progress.Progress{Actions: []*progress.Action{{}}}
	for _, endpoint := range endpoints {
		p.Actions[0].Calls = append(p.Actions[0].Calls, &progress.Call{Request: knock.Request{Endpoint: endpoint}})
	}
	for range n {
		f.Begin(p)
		f.End(p, true)
	}
}

func check(t *testing.T, what string, got, want float64) {
	t.Helper()
	if got != want && math.Abs(got-want) > want/50 {
		t.Errorf("%s: the forecast is %.1f s; want %.1f s", what, got, want)
	}
}

func TestTheForecastFollowsTheRateOfArrivals(t *testing.T) {
	f := New()
	deliver(f, 300, knock.IdentifyUser)
	check(t, "no arrivals", observe(f, [2]int64{6000, 0}, [2]int64{5700, 300}), 95)
	f = New()
	deliver(f, 300, knock.IdentifyUser)
	check(t, "30 arrivals a second", observe(f, [2]int64{6000, 0}, [2]int64{5850, 300}), 195)
	f = New()
	deliver(f, 300, knock.IdentifyUser)
	check(t, "70 arrivals a second", observe(f, [2]int64{6000, 0}, [2]int64{6050, 300}), math.Inf(1))
	f = New()
	deliver(f, 300, knock.IdentifyUser)
	check(t, "the arrivals have ended", observe(f, [2]int64{0, 0}, [2]int64{6000, 0}, [2]int64{5700, 300}), 95)
}

func TestEventsNeedAsManyCallsAsRecentOnes(t *testing.T) {
	f := New()
	deliver(f, 100, knock.IdentifyUser, knock.IdentifyUser)
	deliver(f, 100)
	deliver(f, 200, knock.IdentifyUser)
	check(t, "one call an event on average", observe(f, [2]int64{6000, 0}, [2]int64{5600, 400}), 5600/80.0)
}

func TestCallsInBulkAreFasterThanTheLimitOnSingleCalls(t *testing.T) {
	f := New()
	deliver(f, 4500, knock.IdentifyUser)
	check(t, "900 a second", observe(f, [2]int64{50_000, 0}, [2]int64{45_500, 4500}), 45_500/900.0)
}

func TestWithoutADeliveryThereIsNoEnd(t *testing.T) {
	f := New()
	check(t, "nothing delivered", f.Observe(Sample{At: start, Waiting: 10, Behind: true}), math.Inf(1))
	check(t, "not behind", f.Observe(Sample{At: start, Waiting: 10}), 0)
	check(t, "another process is behind", f.Observe(Sample{At: start, Waiting: 10, Elsewhere: 42}), 42)
	if waiting, seconds := f.Seconds(start.Add(2 * time.Second)); waiting != 10 || seconds != 40 {
		t.Errorf("two seconds later: %d events, %v s", waiting, seconds)
	}
}
