// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"crypto/tls"
	"math"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/go-logr/logr"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit/permits"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// backlog is a source in virtual time, with an in-memory Redis and a Knock that answers every call after the given time.
type backlog struct {
	t       *testing.T
	mini    *miniredis.Miniredis
	program *mapping.Program
	pools   []*delivery.Pool
	box     *inbox.Inbox
	number  int
	stop    func()
}

// slowKnock is a Caller that succeeds after a time.
type slowKnock time.Duration

func (s slowKnock) Do(context.Context, knock.Request) (knock.Response, error) {
	<-time.After(time.Duration(s))
	return knock.Response{Status: 200}, nil
}

// newBacklog starts processes for a source.
func newBacklog(t *testing.T, processes int, settings document.Delivery, latency time.Duration) *backlog {
	t.Helper()
	b := &backlog{t: t, mini: miniredis.NewMiniRedis(), program: compile(t, mappings)}
	b.mini.ClockTTL(true)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var clients []rueidis.Client
	for range processes {
		client, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{"redis:1"}, DisableCache: true, ForceSingleClient: true,
			DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) {
				conn, err := b.mini.Dial()
				return &clocked{conn, b.mini}, err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.box, err = inbox.Open(ctx, client, inboxtest.Source, inbox.Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		pool := delivery.New(delivery.Config{
			Source: inboxtest.Source, Inbox: b.box, Permits: permits.Open(client, b.box.Space()), Log: logr.Discard(), Now: time.Now,
		}, delivery.Settings{
			Lease: 30 * time.Second, Program: b.program, Delivery: settings, Redactor: eventlog.NewRedactor(nil, true),
			Caller: slowKnock(latency),
		})
		clients, b.pools = append(clients, client), append(b.pools, pool)
		running.Go(func() { _ = pool.Run(ctx) })
	}
	b.stop = func() {
		cancel()
		running.Wait()
		for _, client := range clients {
			client.Close()
		}
		<-time.After(time.Second) // until the goroutines of the clients have ended
	}
	return b
}

// clocked is a connection to miniredis that sets its clock, which the permits use, to the time of the bubble.
type clocked struct {
	net.Conn
	mini *miniredis.Miniredis
}

func (c *clocked) Write(p []byte) (int, error) {
	c.mini.SetTime(time.Now())
	return c.Conn.Write(p)
}

// accept accepts n events of these kinds in turn, each of another user.
func (b *backlog) accept(n int, kinds ...string) {
	b.t.Helper()
	p := process{t: b.t, program: b.program}
	events := make([]*event.Event, n)
	for i := range events {
		b.number++
		events[i] = p.parse(kinds[i%len(kinds)] + " u" + time.Duration(b.number).String() + " 1")
	}
	if n == 0 {
		return
	}
	if _, err := b.box.Accept(b.t.Context(), events, nil); err != nil {
		b.t.Fatal(err)
	}
}

// forecasts reads the forecast of each process every five seconds until no event waits, while it calls each four times a second.
// It returns how far the forecasts were from what happened, as a part of it: the largest error of all that were made at
// least 15 seconds after the start, when each process has seen the events arrive and then no more of them, and 5 seconds
// before the end.
func (b *backlog) forecasts(each func()) (worst float64) {
	b.t.Helper()
	type forecast struct {
		at      time.Duration
		seconds float64
	}
	var made []forecast
	start := time.Now()
	for quarter := 0; ; quarter++ { // of a second
		depth, err := b.box.Depth(b.t.Context())
		if err != nil {
			b.t.Fatal(err)
		}
		if depth == 0 {
			break
		}
		if quarter%20 == 17 {
			for _, pool := range b.pools {
				made = append(made, forecast{time.Since(start), seconds(pool)})
			}
		}
		each()
		<-time.After(time.Second / 4)
	}
	end := time.Since(start)
	for _, f := range made {
		left := (end - f.at).Seconds()
		if f.at < 15*time.Second || left < 5 {
			continue
		}
		b.t.Logf("after %v: forecast %.1f s, in fact %.1f s", f.at, f.seconds, left)
		worst = max(worst, (math.Abs(f.seconds-left)-1)/left) // a forecast is a number of whole seconds
	}
	if len(made) < 4 {
		b.t.Errorf("there were only %d forecasts", len(made))
	}
	return worst
}

func seconds(pool *delivery.Pool) float64 {
	waiting := pool.Waiting()
	if waiting.Growing {
		return math.Inf(1)
	}
	return float64(waiting.CatchUpSeconds)
}

func TestTheForecastForABacklogIsWithin20Percent(t *testing.T) {
	limits := func(rates map[string]int32) document.Delivery {
		return document.Delivery{Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Hour, RateLimits: rates}
	}
	for name, tc := range map[string]struct {
		processes int
		settings  document.Delivery
		latency   time.Duration
		backlog   int      // events at the start
		arrivals  int      // events every second
		kinds     []string // of the events, in turn
	}{
		"5,000 events at the limit": {
			processes: 1, settings: limits(nil), latency: 50 * time.Millisecond, backlog: 5000, kinds: []string{"identify"},
		},
		"while other events arrive": {
			processes: 2, settings: limits(nil), latency: 50 * time.Millisecond,
			backlog: 1500, arrivals: 10, kinds: []string{"identify", "identify", "identify", "order"},
		},
		"a slow Knock and few concurrent calls": {
			processes: 1, settings: document.Delivery{Concurrency: 8, Timeout: 10 * time.Second, RetryFor: time.Hour},
			latency: time.Second, backlog: 400, kinds: []string{"identify"},
		},
		"events with several calls": {
			processes: 1, settings: limits(map[string]int32{"setObject": 20}), latency: 20 * time.Millisecond,
			backlog: 2000, kinds: []string{"all", "identify"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBacklog(t, tc.processes, tc.settings, tc.latency)
				for n := tc.backlog; n > 0; n -= 500 {
					b.accept(min(n, 500), tc.kinds...)
				}
				worst := b.forecasts(func() { b.accept(tc.arrivals, tc.kinds...) })
				b.stop()
				if worst > 0.2 {
					t.Errorf("a forecast is wrong by %.0f %%", 100*worst)
				}
			})
		})
	}
}

func TestASourceThatNeverCatchesUpSaysSoAndOneThatIsNotBehindForecastsZero(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBacklog(t, 1, document.Delivery{
			Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Hour, RateLimits: map[string]int32{"identifyUser": 10},
		}, 50*time.Millisecond)
		run := func(seconds, arrivals int) {
			for range seconds {
				b.accept(arrivals, "identify")
				<-time.After(time.Second)
			}
		}
		run(40, 5)
		if got := seconds(b.pools[0]); got != 0 {
			t.Errorf("at half of the limit, the forecast is %v s", got)
		}
		run(40, 15)
		if got := seconds(b.pools[0]); !math.IsInf(got, 1) {
			t.Errorf("at 1.5 times the limit, the forecast is %v s", got)
		}
		b.stop()
	})
}
