// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/deadletter"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/eventtype"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestSourcesCanBeAddedAndRemoved(t *testing.T) {
	t.Parallel()
	f := start(t)
	type statuses struct{ Shop, Blog, Ready int }
	post := func(user string) statuses {
		ready, _ := f.get("/readyz")
		return statuses{f.post("shop", user), f.post("blog", user), ready}
	}
	check := func(step string, want, got statuses) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step, diff)
		}
	}
	check("before the configuration is loaded", statuses{503, 503, 503}, post("u0"))
	f.apply()
	check("without sources", statuses{404, 404, 200}, post("u0"))
	shop, blog := f.source("shop", "shop-order"), f.source("blog", "blog-order")
	f.apply(shop)
	f.postUntilAccepted("shop", "u1")
	check("with one source", statuses{200, 404, 200}, post("u2"))
	f.apply(shop, blog)
	f.postUntilAccepted("blog", "u1")
	check("with two sources", statuses{200, 200, 200}, post("u3"))
	finished := f.finished(5)
	f.apply(blog)
	check("after the first was removed", statuses{404, 200, 200}, post("u4"))

	ended := map[string]int{}
	for _, e := range append(finished, f.finished(1)...) {
		ended[fmt.Sprintf("%s %s", e.Source, e.Status)]++
	}
	if diff := cmp.Diff(map[string]int{"production/shop succeeded": 3, "production/blog succeeded": 3}, ended); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if status, _ := f.get("/metrics"); status != http.StatusOK {
		t.Errorf("/metrics: status %d", status)
	}
}

func TestChangedConfigurationDropsNoRequest(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.apply(f.source("shop", "order"))
	f.postUntilAccepted("shop", "first")
	ctx, stop := context.WithCancel(t.Context())
	var sent atomic.Int64
	accepted := make(chan struct{})
	var senders sync.WaitGroup
	for sender := range 4 {
		senders.Go(func() {
			defer stop()
			for i := 0; ctx.Err() == nil; i++ {
				status, err := post(t.Context(), f.url, "shop", fmt.Sprintf("u%d-%d", sender, i))
				if status != http.StatusOK {
					t.Errorf("status %d, %v", status, err)
					return
				}
				sent.Add(1)
				select {
				case accepted <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for i := range 50 {
		for range 4 {
			select {
			case <-accepted:
			case <-ctx.Done(): // a sender failed
			}
		}
		f.apply(f.source("shop", fmt.Sprintf("order-%d", i), func(doc *document.Document) { doc.Delivery.Concurrency = 1 + i }))
	}
	stop()
	senders.Wait()
	for _, e := range f.finished(1 + int(sent.Load())) {
		if e.Status != eventlog.Succeeded {
			t.Errorf("%s: %s", e.Status, e.Reason)
		}
	}
	workflows := map[string]bool{}
	for _, run := range f.knock.State().Runs {
		workflows[run.Workflow] = true
	}
	if len(workflows) < 2 {
		t.Errorf("%d events triggered the workflows %v: no change took effect", sent.Load(), workflows)
	}
}

func TestEventsOfARemovedSourceAreDeliveredWhenItReturns(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.apply(f.source("shop", "order", suspended))
	f.postUntilAccepted("shop", "u1")
	f.postUntilAccepted("shop", "u2")
	f.apply()
	if status := f.post("shop", "u3"); status != http.StatusNotFound {
		t.Errorf("after the removal: status %d", status)
	}
	f.apply(f.source("shop", "order-again"))
	for _, e := range f.finished(2) {
		if e.Status != eventlog.Succeeded || e.Actions[0].Requests[0].Path != "/v1/workflows/order-again/trigger" {
			t.Errorf("%s: %s, %+v", e.Status, e.Reason, e.Actions)
		}
	}
}

func TestChangedAPIKeyAndBaseURLTakeEffectAtOnce(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.knock.SetAPIKey("sk_new")
	shop := f.source("shop", "order")
	f.apply(shop)
	f.postUntilAccepted("shop", "u1")
	if e := <-f.entries; e.Status != eventlog.Retrying {
		t.Errorf("with the old key: %s: %s", e.Status, e.Reason)
	}
	shop.Credentials.APIKey = "sk_new"
	f.apply(shop)
	f.finished(1)
	other := knocktest.New(t, knocktest.WithAPIKey("sk_new"))
	moved := f.source("shop", "order", func(doc *document.Document) { doc.Knock.BaseURL = other.URL })
	moved.Credentials.APIKey = "sk_new"
	f.apply(moved)
	f.postUntilAccepted("shop", "u2")
	f.finished(1)
	if first, second := len(f.knock.State().Runs), len(other.State().Runs); first != 1 || second != 1 {
		t.Errorf("%d workflow runs at the first Knock server, %d at the second; want one each", first, second)
	}
}

func TestEventLogOfAnIdleSourceLosesItsOldEntries(t *testing.T) {
	t.Parallel()
	f := start(t)
	limits := eventlog.Limits{MaxEvents: 1000}
	f.apply(f.source("shop", "order"))
	f.postUntilAccepted("shop", "u1")
	f.finished(1)
	log := eventlog.Open(f.redis.Client(t), keyspace.New("production/shop", 1), limits)
	if page, err := log.List(t.Context(), eventlog.Query{}); err != nil || len(page.Entries) != 1 {
		t.Fatalf("%d entries, %v", len(page.Entries), err)
	}
	f.apply()
	f.apply(f.source("shop", "order", func(doc *document.Document) { doc.EventLog.Retention = time.Millisecond }))
	for range time.Tick(10 * time.Millisecond) {
		page, err := log.List(t.Context(), eventlog.Query{})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Entries) == 0 {
			return
		}
	}
}

func TestEventTypesHaveARedactedSampleAndAreStoredOnShutdown(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.apply(f.source("shop", "order", func(doc *document.Document) { doc.EventLog.Redact = []string{"body.user"} }))
	f.postUntilAccepted("shop", "secret")
	f.finished(1)
	f.apply() // stops the pipeline
	listing, err := eventtype.Open(f.redis.Client(t), keyspace.New("production/shop", 1)).List(t.Context(), func(string) bool { return true })
	if err != nil || len(listing.Types) != 1 || listing.Types[0].Count != 1 {
		t.Fatalf("%+v, %v; want one type with one event", listing, err)
	}
	if sample := string(listing.Types[0].Sample); strings.Contains(sample, `"secret"`) || !strings.Contains(sample, "[redacted]") {
		t.Errorf("the sample is %s; want it redacted", sample)
	}
}

func TestEventWithoutAMappingIsFinishedWhenItIsAccepted(t *testing.T) {
	t.Parallel()
	f := start(t)
	unmapped := func(doc *document.Document) { doc.Mappings[0].Event = "something-else" }
	f.apply(f.source("shop", "order", suspended, unmapped))
	f.postUntilAccepted("shop", "u1")
	want := eventlog.Entry{Status: eventlog.Skipped, Reason: `no mapping for "order"`, OrderingKey: "u1"}
	got := f.finished(1)[0]
	if got.FinishedAt == nil || got.ReceivedAt.IsZero() {
		t.Errorf("received at %v, finished at %v", got.ReceivedAt, got.FinishedAt)
	}
	if diff := cmp.Diff(want, eventlog.Entry{Status: got.Status, Reason: got.Reason, OrderingKey: got.OrderingKey}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	log := eventlog.Open(f.redis.Client(t), keyspace.New("production/shop", 1), eventlog.Limits{MaxEvents: 1000})
	if stored, err := log.Get(t.Context(), got.ID); err != nil || cmp.Diff(got, *stored) != "" {
		t.Errorf("in the event log: %+v, %v; want %+v", stored, err, got)
	}
	f.postUntilAccepted("shop", "u1")
	if e := f.finished(1)[0]; e.Status != eventlog.Duplicate {
		t.Errorf("the same event again: %s", e.Status)
	}
	f.apply(f.source("shop", "order"))
	f.postUntilAccepted("shop", "u2")
	if e := f.finished(1)[0]; e.OrderingKey != "u2" {
		t.Errorf("the event was stored for delivery: %+v", e)
	}
	f.apply() // stops the pipeline, which stores its event types
	listing, err := eventtype.Open(f.redis.Client(t), keyspace.New("production/shop", 1)).List(t.Context(), func(string) bool { return true })
	if err != nil || len(listing.Types) != 1 || listing.Types[0].Count != 2 {
		t.Errorf("%+v, %v; want one type with two events", listing, err)
	}
}

func TestWrongEventTypeExpressionLosesNoEvent(t *testing.T) {
	t.Parallel()
	f := start(t)
	wrong := func(doc *document.Document) { doc.Event.Type = "body.kind" }
	f.apply(f.source("shop", "order", wrong))
	f.postUntilAccepted("shop", "u1")
	const reason = "no event type: body.kind is not in the event; body has no kind, only type, user, id"
	skipped := f.finished(1)[0]
	if skipped.Status != eventlog.Skipped || skipped.Reason != reason || skipped.OrderingKey != "u1" {
		t.Errorf("under the wrong expression: %s: %s, ordering key %q", skipped.Status, skipped.Reason, skipped.OrderingKey)
	}
	f.apply(f.source("shop", "order", wrong, suspended))
	f.postUntilAccepted("shop", "u2")
	f.apply(f.source("shop", "order"))
	if e := f.finished(1)[0]; e.Status != eventlog.Succeeded || e.Type != "order" {
		t.Errorf("after the correction: %s: %s, type %q", e.Status, e.Reason, e.Type)
	}
	box, err := inbox.Open(t.Context(), f.redis.Client(t), "production/shop", inbox.Options{Limits: inbox.Limits{Window: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	letters := deadletter.New("production/shop", box, func() *eventlog.Redactor { return &eventlog.Redactor{} })
	if _, err := letters.Replay(t.Context(), skipped.ID); err != nil {
		t.Fatalf("replay the skipped event: %v", err)
	}
	if e := f.finished(1)[0]; e.Status != eventlog.Succeeded || e.OrderingKey != "u1" {
		t.Errorf("after the replay: %s: %s, ordering key %q", e.Status, e.Reason, e.OrderingKey)
	}
}

func TestEventsAreAcceptedOnceRedisIsAvailable(t *testing.T) {
	t.Parallel()
	f := start(t, func(f *fixture) { f.redis.Kill() })
	f.apply(f.source("shop", "order"))
	if status := f.post("shop", "u1"); status != http.StatusTooManyRequests {
		t.Errorf("without Redis: status %d", status)
	}
	f.apply(f.source("shop", "changed")) // while Redis is unavailable
	f.redis.Start()
	f.postUntilAccepted("shop", "u1")
	f.finished(1)
	if runs := f.knock.State().Runs; len(runs) != 1 || runs[0].Workflow != "changed" {
		t.Errorf("ran %+v", runs)
	}
}

func TestStopWaitsForCallsInProgress(t *testing.T) {
	t.Parallel()
	f := start(t)
	release := make(chan struct{})
	f.knock.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Hold: release} })
	f.apply(f.source("shop", "order"))
	f.postUntilAccepted("shop", "u1")
	if err := f.knock.Wait(t.Context(), func(calls []knocktest.Call) bool { return len(calls) == 1 }); err != nil {
		t.Fatal(err)
	}
	f.cancel()
	for f.post("shop", "u2") != http.StatusServiceUnavailable {
	}
	select {
	case err := <-f.returned:
		t.Fatalf("Run returned %v while a call was in progress", err)
	default:
	}
	close(release)
	if err := f.awaitReturn(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if e := f.finished(1)[0]; e.Status != eventlog.Succeeded {
		t.Errorf("%s: %s", e.Status, e.Reason)
	}
	if _, err := post(t.Context(), f.url, "shop", "u3"); err == nil {
		t.Error("the receiver still listens")
	}
}
