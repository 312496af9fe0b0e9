// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

// world holds everything that takes part in one schedule. It runs in one synctest bubble, in virtual time.
type world struct {
	dice    dice
	plan    plan
	broken  variant
	history *history
	redis   *redisServer
	knock   *knockServer
	slots   []*slot
	senders []*sender
	events  map[eventName]*sent

	background sync.WaitGroup // goroutines that end with the schedule

	mu       sync.Mutex
	calm     bool
	config   configuration
	attempts []*attempt
	failures []string
	entries  []eventlog.Entry // the event log at the end
	keys     []string         // the keys of Redis at the end

	stored     stored                        // at the end
	goroutines map[string]int                // at the end
	gauges     map[string]map[string]float64 // at the end, by process

	jumps       []time.Time // when Redis's clock jumped forward
	firstClaims []time.Time // when the processes made their first claims
}

// outcome is the result of a schedule.
type outcome struct {
	failures []string
	history  string
}

// simulate runs the schedule of a seed in a bubble.
func simulate(t *testing.T, seed uint64, broken variant) outcome {
	t.Helper()
	var result outcome
	measureIdle(t)
	t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		synctest.Test(t, func(*testing.T) { result = newWorld(seed, broken).run() })
	})
	runtime.GC()
	return result
}

func newWorld(seed uint64, broken variant) *world {
	d := dice{seed}
	w := &world{dice: d, plan: newPlan(d), broken: broken, history: &history{start: time.Now()}, events: map[eventName]*sent{}}
	if broken.plan != nil {
		broken.plan(&w.plan)
	}
	w.config = configuration{edition: 1, apiKey: firstKey, retryFor: w.plan.retryFor, bulk: w.plan.bulk}
	w.redis, w.knock = newRedisServer(w), newKnockServer(w)
	for _, name := range []string{"a", "b"} {
		w.slots = append(w.slots, &slot{world: w, name: name})
	}
	for i := range w.plan.users {
		s := newSender(w, fmt.Sprintf("u%d", i+1))
		w.senders = append(w.senders, s)
		for _, e := range s.events {
			w.events[e.eventName] = e
		}
	}
	return w
}

func (w *world) run() outcome {
	w.history.add("plan    %+v", w.plan)
	server := &http.Server{Handler: w.knock, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	w.background.Go(func() { _ = server.Serve(w.knock.listener) }) // always ErrServerClosed
	over := make(chan struct{})
	for _, s := range w.slots {
		w.background.Go(func() { s.run(over) })
	}
	var clients sync.WaitGroup
	for _, s := range w.senders {
		clients.Go(s.run)
	}
	w.background.Go(w.runTimeline)
	time.Sleep(faultyTime)
	w.makeCalm()
	clients.Wait()
	w.awaitEnd()
	w.readEnd()
	close(over)
	for _, s := range w.slots {
		s.stop()
	}
	_ = server.Close()
	w.redis.mini.Close()
	w.background.Wait()
	w.check()
	return outcome{w.failures, w.history.String()}
}

// awaitEnd waits until Redis has no unfinished events, at most for the patience of the plan.
func (w *world) awaitEnd() {
	for end := time.Now().Add(w.plan.patience()); time.Now().Before(end) && len(w.leftoverKeys()) > 0; {
		time.Sleep(time.Second)
	}
	time.Sleep(idleTime)
}

func (w *world) readEnd() {
	w.goroutines, w.stored, w.gauges = goroutines(), w.readStored(), map[string]map[string]float64{}
	for _, s := range w.slots {
		if p := s.running(); p != nil {
			w.gauges[p.name] = p.gauges()
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	entries, err := w.redis.log(ctx)
	if err != nil {
		w.fail("the event log cannot be read: %v", err)
	}
	if w.entries, w.keys = entries, w.leftoverKeys(); len(w.keys) > 0 {
		w.addState()
	}
}

func (w *world) makeCalm() {
	w.mu.Lock()
	w.calm = true
	w.mu.Unlock()
	w.history.add("calm    no more faults")
}

func (w *world) isCalm() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calm
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

func (w *world) record(a *attempt) {
	w.history.add("sender  %v by %s: %d %s after %v", names(a.events), a.process, a.status, a.answer, a.took.Round(time.Millisecond))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempts = append(w.attempts, a)
}

func (w *world) addFirstClaim() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.firstClaims = append(w.firstClaims, time.Now())
}

func names(events []*sent) []string {
	var list []string
	for _, e := range events {
		list = append(list, e.String()+" "+e.kind.name)
	}
	return list
}

func (w *world) configuration() configuration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.config
}

// configure changes the configuration. Each process gets it a little later.
func (w *world) configure(what string, change func(*configuration)) {
	w.mu.Lock()
	change(&w.config)
	c := w.config
	w.mu.Unlock()
	w.history.add("config  %s: %+v", what, c)
	for _, s := range w.slots {
		if p := s.running(); p != nil {
			delay := between(w.dice.named("config", what, s.name), time.Millisecond, 5*time.Second)
			w.background.Go(func() {
				time.Sleep(delay)
				p.update(w.configuration())
			})
		}
	}
}

// killAt kills a process if its plan says that it dies after Knock has executed this call.
func (w *world) killAt(name, step string) {
	for _, s := range w.slots {
		if p := s.running(); p != nil && p.name == name {
			if n, dies := p.step(step); dies {
				p.kill(fmt.Sprintf("at call %d", n))
			}
		}
	}
}
