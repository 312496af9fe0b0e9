// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
	"github.com/doorbell-dev/doorbell/ingest/template"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// startFloor starts the simplest receiver that neither loses nor repeats an event: it parses the body and stores its message ID in a
// Redis that syncs every write to disk.
func startFloor(b *testing.B) target {
	b.Helper()
	redis := redistest.Start(b)
	client := redis.Client(b)
	accept := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var event struct{ MessageID string }
		if err == nil {
			err = json.Unmarshal(body, &event)
		}
		if err == nil {
			set := client.B().Set().Key("floor:" + event.MessageID).Value("1").Nx().Ex(24 * time.Hour).Build()
			err = client.Do(r.Context(), set).Error()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"accepted":1,"duplicates":0}`)
	}
	server := httptest.NewServer(http.HandlerFunc(accept))
	return target{
		addr: server.Listener.Addr().String(), path: "/production/rudderstack/token", finished: func(int) {},
		stop: func() { server.Close(); client.Close(); redis.Kill() },
	}
}

// startAccept starts the data plane with deliveries suspended.
func startAccept(b *testing.B) target {
	b.Helper()
	return startIngest(b, document.Delivery{Suspend: true}, "http://127.0.0.1:1")
}

// startEndToEnd starts the data plane with a fake Knock and with rate limits that are never reached.
func startEndToEnd(b *testing.B) target {
	b.Helper()
	return startIngest(b, document.Delivery{
		Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Minute,
		RateLimits: map[string]int32{string(knock.TriggerWorkflow): 1_000_000},
	}, "http://"+startKnock(b))
}

// startIngest starts the data plane with a real Redis and with the default mappings of RudderStack.
func startIngest(b *testing.B, delivery document.Delivery, knockURL string) target {
	b.Helper()
	redis := redistest.Start(b)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	finished, applied := make(chan struct{}, 1<<20), make(chan struct{}, 1)
	server := ingest.New(ingest.Config{
		Listener: listener, Version: "bench", Log: logr.Discard(), Registry: prometheus.NewRegistry(), Now: time.Now,
		Connect: func(context.Context) (rueidis.Client, error) {
			return rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redis.Addr}, DisableCache: true})
		},
		Observe: func(e eventlog.Entry) {
			if e.Status.Final() {
				finished <- struct{}{}
			}
		},
		Applied: func([]pipeline.Config) { applied <- struct{}{} },
	})
	ctx, cancel := context.WithCancel(b.Context())
	updates := make(chan []pipeline.Config, 1)
	updates <- []pipeline.Config{source(b, delivery, knockURL)}
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Run(ctx, updates); err != nil {
			b.Error(err)
		}
	})
	<-applied
	t := target{
		addr: listener.Addr().String(), path: "/production/rudderstack/token", finished: func(int) {},
		stop: func() { cancel(); running.Wait(); redis.Kill() },
	}
	if !delivery.Suspend {
		t.finished = func(n int) {
			for range n {
				<-finished
			}
		}
	}
	awaitReady(b, t)
	return t
}

// awaitReady waits until the data plane accepts an event, which means that it has connected to Redis.
func awaitReady(b *testing.B, t target) {
	b.Helper()
	for {
		s := dial(b, t)
		err := s.post()
		s.close()
		if err == nil {
			t.finished(1)
			return
		}
		if errors.Is(err, io.EOF) {
			b.Fatal(err)
		}
	}
}

func source(b *testing.B, delivery document.Delivery, knockURL string) pipeline.Config {
	b.Helper()
	base, err := template.Load("RudderStack")
	if err != nil {
		b.Fatal(err)
	}
	doc := &document.Document{
		Namespace: "production", Name: "rudderstack", Type: base.Type, Knock: document.Knock{BaseURL: knockURL},
		Event: document.Event{
			Type: base.EventType, Timestamp: base.Timestamp, IdempotencyKey: base.IdempotencyKey, OrderingKey: base.OrderingKey,
			Preprocess: base.Preprocess, Window: 24 * time.Hour,
		},
		Delivery: delivery, EventLog: document.EventLog{MaxEvents: 10_000, Retention: 7 * 24 * time.Hour}, Mappings: base.Mappings,
	}
	program, problems := mapping.Compile(doc)
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	return pipeline.Config{Document: doc, Program: program, Credentials: document.Credentials{Tokens: []string{"token"}, APIKey: "sk_test"}}
}
