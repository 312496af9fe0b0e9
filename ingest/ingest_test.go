// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestSourcesComeAndGo(t *testing.T) {
	t.Parallel()
	w := start(t)
	type answers struct{ Shop, Blog, Ready int }
	ask := func(user string) answers {
		return answers{w.post("shop", user), w.post("blog", user), get(t, w.admin+"/readyz")}
	}
	check := func(step string, want, got answers) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step, diff)
		}
	}
	check("before the configuration is loaded", answers{503, 503, 503}, ask("u0"))
	w.apply()
	check("without sources", answers{404, 404, 200}, ask("u0"))
	shop, blog := w.source("shop", "shop-order"), w.source("blog", "blog-order")
	w.apply(shop)
	w.accepted("shop", "u1")
	check("with one", answers{200, 404, 200}, ask("u2"))
	w.apply(shop, blog)
	w.accepted("blog", "u1")
	check("with another", answers{200, 200, 200}, ask("u3"))
	finished := w.finished(5)
	w.apply(blog)
	check("without the first", answers{404, 200, 200}, ask("u4"))

	ended := map[string]int{}
	for _, e := range append(finished, w.finished(1)...) {
		ended[fmt.Sprintf("%s %s", e.Source, e.Status)]++
	}
	if diff := cmp.Diff(map[string]int{"production/shop succeeded": 3, "production/blog succeeded": 3}, ended); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if calls := get(t, w.admin+"/metrics"); calls != http.StatusOK {
		t.Errorf("metrics: %d", calls)
	}
}

func TestAChangedSourceDropsNoRequest(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.apply(w.source("shop", "order"))
	w.accepted("shop", "first")
	ctx, stop := context.WithCancel(t.Context())
	var sent atomic.Int64
	one := make(chan struct{})
	var senders sync.WaitGroup
	for sender := range 4 {
		senders.Go(func() {
			defer stop()
			for i := 0; ctx.Err() == nil; i++ {
				status, err := post(t.Context(), w.url, "shop", fmt.Sprintf("u%d-%d", sender, i))
				if status != http.StatusOK {
					t.Errorf("answered %d, %v", status, err)
					return
				}
				sent.Add(1)
				select {
				case one <- struct{}{}:
				case <-ctx.Done():
				}
			}
		})
	}
	for i := range 50 {
		for range 4 {
			select {
			case <-one:
			case <-ctx.Done(): // a sender failed
			}
		}
		w.apply(w.source("shop", fmt.Sprintf("order-%d", i), func(doc *document.Document) { doc.Delivery.Concurrency = 1 + i }))
	}
	stop()
	senders.Wait()
	for _, e := range w.finished(1 + int(sent.Load())) {
		if e.Status != eventlog.Succeeded {
			t.Errorf("%s: %s", e.Status, e.Reason)
		}
	}
	workflows := map[string]bool{}
	for _, run := range w.knock.State().Runs {
		workflows[run.Workflow] = true
	}
	if len(workflows) < 2 {
		t.Errorf("%d events ran the workflows %v: no change was seen", sent.Load(), workflows)
	}
}

func TestTheEventsOfARemovedSourceWaitForIt(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.apply(w.source("shop", "order", suspended))
	w.accepted("shop", "u1")
	w.accepted("shop", "u2")
	w.apply()
	if status := w.post("shop", "u3"); status != http.StatusNotFound {
		t.Errorf("removed, it answers %d", status)
	}
	w.apply(w.source("shop", "order-again"))
	for _, e := range w.finished(2) {
		if e.Status != eventlog.Succeeded || e.Actions[0].Requests[0].Path != "/v1/workflows/order-again/trigger" {
			t.Errorf("%s: %s, %+v", e.Status, e.Reason, e.Actions)
		}
	}
}

func TestARotatedKeyAndAnotherKnockAreUsedAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.knock.SetAPIKey("sk_new")
	shop := w.source("shop", "order")
	w.apply(shop)
	w.accepted("shop", "u1")
	if e := <-w.entries; e.Status != eventlog.Retrying {
		t.Errorf("with the old key: %s: %s", e.Status, e.Reason)
	}
	shop.Credentials.APIKey = "sk_new"
	w.apply(shop)
	w.finished(1)
	other := knocktest.New(t, knocktest.WithAPIKey("sk_new"))
	moved := w.source("shop", "order", func(doc *document.Document) { doc.Knock.BaseURL = other.URL })
	moved.Credentials.APIKey = "sk_new"
	w.apply(moved)
	w.accepted("shop", "u2")
	w.finished(1)
	if here, there := len(w.knock.State().Runs), len(other.State().Runs); here != 1 || there != 1 {
		t.Errorf("%d runs at the first Knock, %d at the other; want one each", here, there)
	}
}

func TestRedisMayBeAwayAtStart(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.redis.Kill() })
	w.apply(w.source("shop", "order"))
	if status := w.post("shop", "u1"); status != http.StatusTooManyRequests {
		t.Errorf("without Redis it answers %d", status)
	}
	w.apply(w.source("shop", "changed")) // meanwhile
	w.redis.Start()
	w.accepted("shop", "u1")
	w.finished(1)
	if runs := w.knock.State().Runs; len(runs) != 1 || runs[0].Workflow != "changed" {
		t.Errorf("ran %+v", runs)
	}
}

func TestStoppingFinishesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := start(t)
	held := make(chan struct{})
	w.knock.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Hold: held} })
	w.apply(w.source("shop", "order"))
	w.accepted("shop", "u1")
	if err := w.knock.Wait(t.Context(), func(calls []knocktest.Call) bool { return len(calls) == 1 }); err != nil {
		t.Fatal(err)
	}
	w.cancel()
	for w.post("shop", "u2") != http.StatusServiceUnavailable {
	}
	select {
	case err := <-w.returned:
		t.Fatalf("Run returned %v with a call under way", err)
	default:
	}
	close(held)
	if err := w.run(); err != nil {
		t.Errorf("Run returned %v", err)
	}
	if e := w.finished(1)[0]; e.Status != eventlog.Succeeded {
		t.Errorf("%s: %s", e.Status, e.Reason)
	}
	if _, err := post(t.Context(), w.url, "shop", "u3"); err == nil {
		t.Error("it still listens")
	}
}
