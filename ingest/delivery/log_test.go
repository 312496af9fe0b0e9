// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// clock is moved by the calls to Knock: each takes 12.5 ms.
type clock struct{ passed atomic.Int64 }

func (c *clock) now() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(c.passed.Load()))
}

// timed is a Caller that moves the clock.
type timed struct {
	delivery.Caller
	clock *clock
}

func (c timed) Do(ctx context.Context, request knock.Request) (knock.Response, error) {
	c.clock.passed.Add(int64(12500 * time.Microsecond))
	return c.Caller.Do(ctx, request)
}

// slow is a Caller whose calls take a time by the clock.
type slow struct {
	delivery.Caller
	clock *clock
	takes time.Duration
}

func (c slow) Do(ctx context.Context, request knock.Request) (knock.Response, error) {
	c.clock.passed.Add(int64(c.takes))
	return c.Caller.Do(ctx, request)
}

func TestTheLogEntryOfAnEventIsStoredAndObserved(t *testing.T) {
	t.Parallel()
	const mappings = `[
		{"name":"order","event":"order","action":"triggerWorkflow",
			"parameters":{"workflow":"order","recipients":"body.user","dataFrom":"body.data"}},
		{"name":"seen","event":"order","action":"identifyUser","parameters":{"id":"body.user","properties":{"last":"body.data.id"}}},
		{"name":"vip","event":"order","when":"body.data.total > 100.0","action":"triggerWorkflow",
			"parameters":{"workflow":"vip","recipients":"body.user"}}
	]`
	clock := &clock{}
	f := newFixture(t, knocktest.WithClock(clock.now))
	f.answers(knock.TriggerWorkflow, 422)
	f.settings.Program = compile(t, mappings)
	f.settings.Caller = timed{f.settings.Caller, clock}
	box := f.openInbox(func(o *inbox.Options) { o.Now = clock.now })
	p := f.start(func(c *delivery.Config) { c.Inbox, c.Now = box, clock.now })

	e := &event.Event{ID: "0190-1", Verification: "failed", Body: []byte(
		`{"type":"order","user":"u 1","id":"k1","at":"2026-01-02T03:04:04Z","data":{"id":9007199254740993,"total":1.0}}`)}
	if err := f.settings.Program.Identify(e, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Accept(t.Context(), []*event.Event{e}, nil); err != nil {
		t.Fatal(err)
	}
	observed := p.next()
	stored, err := eventlog.Open(f.client, box.Space(), eventlog.Limits{}).Get(t.Context(), "0190-1")
	if err != nil || stored == nil {
		t.Fatalf("the log has no entry: %v", err)
	}
	want, err := os.ReadFile("testdata/entry.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, entry := range map[string]eventlog.Entry{"observed": observed, "stored": *stored} {
		if diff := cmp.Diff(string(want), pretty(t, entry)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// pretty returns the entry as indented JSON.
func pretty(t *testing.T, entry eventlog.Entry) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, eventlog.Encode(entry), "", "  "); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}
