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

	"github.com/alicebob/miniredis/v2"
	"github.com/go-logr/logr/testr"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// patience is the longest wait of a test. It is shorter than a lease, so that no test passes by waiting for a lease to
// end.
const patience = 20 * time.Second

// mappings make one call for an event "identify", "order" or "delete", three calls for "all", whose order is not that
// of the mappings, and for "crowd" one trigger, in two calls if it has more than 1,000 recipients.
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

// compile compiles mappings, a JSON array.
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

// fixture is one source with a real Redis and a fake Knock.
type fixture struct {
	t        testing.TB
	redis    *redistest.Server    // nil in virtual time
	memory   *miniredis.Miniredis // in virtual time only
	client   rueidis.Client
	knock    *knocktest.Server
	key      atomic.Pointer[string] // the API key of the calls
	settings delivery.Settings
}

func newFixture(t testing.TB, options ...knocktest.Option) *fixture {
	t.Helper()
	f := &fixture{t: t, redis: redistest.Start(t), knock: knocktest.New(t, options...)}
	f.client = f.redis.Client(t)
	f.setKey(knocktest.APIKey)
	f.settings = delivery.Settings{
		Lease:    30 * time.Second,
		Program:  compile(t, mappings),
		Delivery: document.Delivery{Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Hour},
		Redactor: eventlog.NewRedactor(nil, false),
		Caller:   knock.New(knock.Config{BaseURL: f.knock.URL, APIKey: func() string { return *f.key.Load() }}),
	}
	return f
}

func (f *fixture) setKey(key string) { f.key.Store(&key) }

// openInbox opens the source's inbox, as one more process would.
func (f *fixture) openInbox(change ...func(*inbox.Options)) *inbox.Inbox {
	f.t.Helper()
	var options inbox.Options
	for _, change := range change {
		change(&options)
	}
	return inboxtest.Open(f.t, f.client, options)
}

// process is a running Pool, as one process has it.
type process struct {
	t       testing.TB
	pool    *delivery.Pool
	box     *inbox.Inbox
	program *mapping.Program
	entries chan eventlog.Entry
	stop    func() // stops the pool and waits until it has stopped
}

// start starts a process, which runs until the test ends or calls stop.
func (f *fixture) start(change ...func(*delivery.Config)) *process {
	f.t.Helper()
	p := &process{t: f.t, program: f.settings.Program, entries: make(chan eventlog.Entry, 10_000)}
	config := delivery.Config{
		Source: inboxtest.Source, Log: testr.New(f.t.(*testing.T)),
		Observe: func(e eventlog.Entry) { p.entries <- e }, Now: time.Now,
	}
	for _, change := range change {
		change(&config)
	}
	if config.Inbox == nil {
		config.Inbox = f.openInbox()
	}
	p.box, p.pool = config.Inbox, delivery.New(config, f.settings)
	ctx, cancel := context.WithCancel(f.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.pool.Run(ctx); err != nil {
			f.t.Error(err)
		}
	})
	p.stop = func() { cancel(); running.Wait() }
	f.t.Cleanup(p.stop)
	return p
}

// send accepts events in order; each is "TYPE USER NUMBER" or a JSON object.
func (p *process) send(events ...string) {
	p.t.Helper()
	accepted := make([]*event.Event, len(events))
	for i, text := range events {
		accepted[i] = p.parse(text)
	}
	if _, err := p.box.Accept(p.t.Context(), accepted, nil); err != nil {
		p.t.Fatal(err)
	}
}

// parse returns an event as send describes it.
func (p *process) parse(text string) *event.Event {
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
	if err := p.program.Identify(e, nil); err != nil {
		p.t.Fatal(err)
	}
	return e
}

// number returns the NUMBER of an event that send accepted.
func number(e eventlog.Entry) string { return strings.TrimPrefix(e.Key, e.OrderingKey+"/") }

// next returns the next entry that the process logs.
func (p *process) next() eventlog.Entry {
	p.t.Helper()
	return p.nextWithin(patience)
}

func (p *process) nextWithin(longest time.Duration) eventlog.Entry {
	p.t.Helper()
	select {
	case entry := <-p.entries:
		return entry
	case <-time.After(longest):
		p.t.Fatal("the process logs nothing")
		return eventlog.Entry{}
	}
}

// finished waits for n entries with a final status. It returns them in the order in which their events finished, which
// can differ from the order in which they were observed, and how often events were logged as retrying in the meantime.
func (p *process) finished(n int) (final []eventlog.Entry, retrying int) {
	p.t.Helper()
	return p.finishedWithin(n, patience)
}

// finishedWithin is like finished for a test in virtual time, in which the next entry may take longer.
func (p *process) finishedWithin(n int, longest time.Duration) (final []eventlog.Entry, retrying int) {
	p.t.Helper()
	for len(final) < n {
		if entry := p.nextWithin(longest); entry.Status.Final() {
			final = append(final, entry)
		} else {
			retrying++
		}
	}
	slices.SortStableFunc(final, func(a, b eventlog.Entry) int { return a.FinishedAt.Compare(*b.FinishedAt) })
	return final, retrying
}

// awaitCalls waits until enough reports true for the calls that the fake has received.
func (f *fixture) awaitCalls(enough func([]knocktest.Call) bool) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	if err := f.knock.Wait(ctx, enough); err != nil {
		f.t.Fatalf("%v; the calls so far: %v", err, f.calls())
	}
}

// calls returns "METHOD PATH STATUS" for each call that the fake has received.
func (f *fixture) calls() []string {
	var calls []string
	for _, c := range f.knock.Calls() {
		calls = append(calls, fmt.Sprintf("%s %s %d", c.Method, c.Path, c.Status))
	}
	return calls
}

// answers makes the fake answer the calls to an endpoint with these statuses in turn, and later ones as usual. The
// status Dropped closes the connection after the call has taken effect.
func (f *fixture) answers(endpoint knock.Endpoint, statuses ...int) {
	var mu sync.Mutex
	f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
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

// hold makes the fake delay its answer to calls with this path until release is called.
func (f *fixture) hold(path string) (release func()) {
	held := make(chan struct{})
	f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
		if c.Path == path {
			return &knocktest.Answer{Hold: held}
		}
		return nil
	})
	release = sync.OnceFunc(func() { close(held) })
	f.t.Cleanup(release)
	return release
}

// arrived is an argument for awaitCalls: it reports whether the fake has received a call with this path.
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
