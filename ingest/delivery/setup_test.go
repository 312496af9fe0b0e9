// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// patience ends a test that waits for what does not come; it is shorter than a lease, so that nobody waits for one to end.
const patience = 20 * time.Second

// mappings: an event "identify", "order" or "delete" makes one call, "all" one of each kind, in another order than written,
// and "crowd" one trigger in two calls.
const mappings = `[
	{"name":"identify","event":"identify","action":"identifyUser","parameters":{"id":"body.user"}},
	{"name":"order","event":"order","action":"triggerWorkflow",
		"parameters":{"workflow":"order","recipients":"body.user","data":{"id":"body.id"}}},
	{"name":"delete","event":"delete","action":"deleteUser","parameters":{"id":"body.user"}},
	{"name":"all-order","event":"all","action":"triggerWorkflow","parameters":{"workflow":"order","recipients":"body.user"}},
	{"name":"all-object","event":"all","action":"setObject","parameters":{"collection":"things","id":"body.user"}},
	{"name":"all-identify","event":"all","action":"identifyUser","parameters":{"id":"body.user"}},
	{"name":"crowd","event":"crowd","action":"triggerWorkflow","parameters":{"workflow":"order","recipients":"body.users"}}
]`

func compile(t testing.TB, mappings string) *mapping.Program {
	t.Helper()
	doc := &document.Document{Namespace: "production", Name: "rudderstack", Event: document.Event{
		Type: "body.type", IdempotencyKey: "body.id", OrderingKey: "body.user", Timestamp: "body.at", Window: time.Hour,
	}}
	if err := json.Unmarshal([]byte(mappings), &doc.Mappings); err != nil {
		t.Fatal(err)
	}
	program, problems := mapping.Compile(doc)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return program
}

// world is one source with a real Redis and a fake Knock.
type world struct {
	t        testing.TB
	redis    *redistest.Server
	client   rueidis.Client
	knock    *knocktest.Server
	key      atomic.Pointer[string] // the API key that calls carry
	settings delivery.Settings
}

func newWorld(t testing.TB, options ...knocktest.Option) *world {
	t.Helper()
	w := &world{t: t, redis: redistest.Start(t), knock: knocktest.New(t, options...)}
	w.client = w.redis.Client(t)
	w.setKey(knocktest.APIKey)
	w.settings = delivery.Settings{
		Program:  compile(t, mappings),
		Delivery: document.Delivery{Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Hour},
		Redactor: eventlog.NewRedactor(nil, false),
		Caller:   knock.New(knock.Config{BaseURL: w.knock.URL, APIKey: func() string { return *w.key.Load() }}),
	}
	return w
}

func (w *world) setKey(key string) { w.key.Store(&key) }

// open is another process's view of the inbox.
func (w *world) open(change ...func(*inbox.Options)) *inbox.Inbox {
	w.t.Helper()
	options := inbox.Options{Limits: inbox.Limits{
		Window: time.Hour, Log: eventlog.Limits{MaxEvents: 1000, Retention: time.Hour},
	}}
	for _, change := range change {
		change(&options)
	}
	box, err := inbox.Open(w.t.Context(), w.client, "production/rudderstack", options)
	if err != nil {
		w.t.Fatal(err)
	}
	return box
}

// process is one that delivers.
type process struct {
	t       testing.TB
	pool    *delivery.Pool
	box     *inbox.Inbox
	program *mapping.Program
	entries chan eventlog.Entry
	stop    func() // and wait
}

// start runs a process until the test ends.
func (w *world) start(change ...func(*delivery.Config)) *process {
	w.t.Helper()
	p := &process{t: w.t, program: w.settings.Program, entries: make(chan eventlog.Entry, 10_000)}
	config := delivery.Config{
		Source: "production/rudderstack", Lease: 30 * time.Second, Log: testr.New(w.t.(*testing.T)),
		Observe: func(e eventlog.Entry) { p.entries <- e }, Now: time.Now,
	}
	for _, change := range change {
		change(&config)
	}
	if config.Inbox == nil {
		config.Inbox = w.open()
	}
	p.box, p.pool = config.Inbox, delivery.New(config, w.settings)
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.pool.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	p.stop = func() { cancel(); running.Wait() }
	w.t.Cleanup(p.stop)
	return p
}

// send has the inbox take events, in order; each is "TYPE USER NUMBER" or a JSON object.
func (p *process) send(events ...string) {
	p.t.Helper()
	taken := make([]*event.Event, len(events))
	for i, text := range events {
		taken[i] = p.read(text)
	}
	if _, err := p.box.Accept(p.t.Context(), taken); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) read(text string) *event.Event {
	p.t.Helper()
	body := text
	if text[0] != '{' {
		var kind, user, number string
		if _, err := fmt.Sscan(text, &kind, &user, &number); err != nil {
			p.t.Fatal(err)
		}
		body = fmt.Sprintf(`{"type":%q,"user":%q,"id":%q}`, kind, user, user+"/"+number)
	}
	e := &event.Event{ID: event.NewID(), Body: []byte(body)}
	if err := p.program.Identify(e); err != nil {
		p.t.Fatal(err)
	}
	return e
}

// number is what send was given.
func number(e eventlog.Entry) string { return strings.TrimPrefix(e.Key, e.OrderingKey+"/") }

// next is the next entry that the process logs.
func (p *process) next() eventlog.Entry {
	p.t.Helper()
	select {
	case entry := <-p.entries:
		return entry
	case <-time.After(patience):
		p.t.Fatal("nothing is logged")
		return eventlog.Entry{}
	}
}

// finished returns the next n entries with a final status, as they finished (they are told of a moment later, and then an event
// may overtake the one before), and how often events were put off meanwhile.
func (p *process) finished(n int) (final []eventlog.Entry, retrying int) {
	p.t.Helper()
	for len(final) < n {
		if entry := p.next(); entry.Status.Final() {
			final = append(final, entry)
		} else {
			retrying++
		}
	}
	slices.SortStableFunc(final, func(a, b eventlog.Entry) int { return a.FinishedAt.Compare(*b.FinishedAt) })
	return final, retrying
}

// wait returns once the fake has seen what it should.
func (w *world) wait(enough func([]knocktest.Call) bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if err := w.knock.Wait(ctx, enough); err != nil {
		w.t.Fatalf("%v; the calls so far: %v", err, w.calls())
	}
}

// calls are "METHOD PATH STATUS" of each call that the fake has seen.
func (w *world) calls() []string {
	var calls []string
	for _, c := range w.knock.Calls() {
		calls = append(calls, fmt.Sprintf("%s %s %d", c.Method, c.Path, c.Status))
	}
	return calls
}

// answers has the fake answer the calls to an endpoint with these statuses in turn, then by itself; 0 is by itself too, and
// Dropped ends the connection after the call took effect.
func (w *world) answers(endpoint knock.Endpoint, statuses ...int) {
	var mu sync.Mutex
	w.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
		mu.Lock()
		defer mu.Unlock()
		if c.Endpoint != endpoint || len(statuses) == 0 {
			return nil
		}
		status := statuses[0]
		statuses = statuses[1:]
		if status == knocktest.Dropped {
			return &knocktest.Answer{Drop: true, After: true}
		}
		return &knocktest.Answer{Status: status, Body: fmt.Sprintf(`{"code":"code_%d","message":"as the test wants"}`, status)}
	})
}

// hold has the fake keep the calls with this path waiting until it is closed.
func (w *world) hold(path string) (release func()) {
	held := make(chan struct{})
	w.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
		if c.Path == path {
			return &knocktest.Answer{Hold: held}
		}
		return nil
	})
	release = sync.OnceFunc(func() { close(held) })
	w.t.Cleanup(release)
	return release
}

// arrived is for wait: a call with this path is there.
func arrived(path string) func([]knocktest.Call) bool {
	return func(calls []knocktest.Call) bool {
		for _, c := range calls {
			if c.Path == path {
				return true
			}
		}
		return false
	}
}
