// SPDX-License-Identifier: Apache-2.0

package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// patience ends a test that waits for what does not come.
const patience = 20 * time.Second

// world is a data plane with a real Redis and a fake Knock.
type world struct {
	t              *testing.T
	redis          *redistest.Server
	knock          *knocktest.Server
	url            string // without a path
	admin          string
	user, password string // of Redis
	updates        chan []pipeline.Config
	applied        chan struct{}
	entries        chan eventlog.Entry
	cancel         context.CancelFunc
	returned       chan error
}

func start(t *testing.T, change ...func(*world)) *world {
	t.Helper()
	w := &world{
		t: t, redis: redistest.Start(t), knock: knocktest.New(t), updates: make(chan []pipeline.Config),
		applied: make(chan struct{}, 1), entries: make(chan eventlog.Entry, 10_000), returned: make(chan error, 1),
	}
	for _, change := range change {
		change(w)
	}
	listener, admin := listen(t), listen(t)
	w.url, w.admin = "http://"+listener.Addr().String(), "http://"+admin.Addr().String()
	server := ingest.New(ingest.Config{
		Listener: listener, Admin: admin, Connect: w.connect, Version: "test", Log: testr.New(t),
		Registry: prometheus.NewRegistry(), Now: time.Now,
		Observe: func(e eventlog.Entry) { w.entries <- e },
		Applied: func([]pipeline.Config) { w.applied <- struct{}{} },
	})
	ctx, cancel := context.WithCancel(t.Context())
	w.cancel = cancel
	go func() { w.returned <- server.Run(ctx, w.updates) }()
	t.Cleanup(func() {
		cancel()
		if err := w.run(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (w *world) connect(context.Context) (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{w.redis.Addr}, DisableCache: true, ForceSingleClient: true, ClientSetInfo: rueidis.DisableClientSetInfo,
		Username: w.user, Password: w.password,
	})
}

// run returns what Run did, once it has.
func (w *world) run() error {
	w.t.Helper()
	select {
	case err := <-w.returned:
		w.returned <- err // for whoever asks next
		return err
	case <-time.After(patience):
		w.t.Fatal("Run does not return")
		return nil
	}
}

// apply has the data plane serve these sources only.
func (w *world) apply(sources ...pipeline.Config) {
	w.t.Helper()
	w.updates <- sources
	<-w.applied
}

// source is one whose events trigger a workflow.
func (w *world) source(name, workflow string, change ...func(*document.Document)) pipeline.Config {
	w.t.Helper()
	doc := &document.Document{
		Namespace: "production", Name: name, Knock: document.Knock{BaseURL: w.knock.URL},
		Event:    document.Event{Type: "body.type", IdempotencyKey: "body.id", OrderingKey: "body.user", Window: time.Hour},
		Delivery: document.Delivery{Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Hour},
		EventLog: document.EventLog{MaxEvents: 1000, Retention: time.Hour},
	}
	order := fmt.Sprintf(`[{"name":"order","event":"order","action":"triggerWorkflow",
		"parameters":{"workflow":%q,"recipients":"body.user"}}]`, workflow)
	if err := json.Unmarshal([]byte(order), &doc.Mappings); err != nil {
		w.t.Fatal(err)
	}
	for _, change := range change {
		change(doc)
	}
	program, problems := mapping.Compile(doc)
	if len(problems) > 0 {
		w.t.Fatal(problems)
	}
	return pipeline.Config{
		Document: doc, Program: program,
		Credentials: document.Credentials{Tokens: []string{"token"}, APIKey: knocktest.APIKey},
	}
}

func suspended(doc *document.Document) { doc.Delivery.Suspend = true }

// post sends an order of a user to a source and returns the status of the answer.
func (w *world) post(source, user string) int {
	status, err := post(w.t.Context(), w.url, source, user)
	if err != nil {
		w.t.Fatal(err)
	}
	return status
}

// accepted posts until the source takes it: it may wait for Redis.
func (w *world) accepted(source, user string) {
	w.t.Helper()
	for range time.Tick(10 * time.Millisecond) {
		switch status := w.post(source, user); status {
		case http.StatusOK:
			return
		case http.StatusTooManyRequests:
		default:
			w.t.Fatalf("answered %d", status)
		}
	}
}

func post(ctx context.Context, url, source, user string) (int, error) {
	body := fmt.Sprintf(`{"type":"order","user":%q,"id":"%s/1"}`, user, user)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/production/"+source+"/token", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	return status(request)
}

func get(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := status(request)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func status(request *http.Request) (int, error) {
	status, _, err := ask(request)
	return status, err
}

func ask(request *http.Request) (int, []byte, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// fetch returns the body of a success.
func fetch(t *testing.T, url string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body, err := ask(request)
	if err != nil || status != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", url, status, err)
	}
	return body
}

// finished returns the next n entries with a final status.
func (w *world) finished(n int) []eventlog.Entry {
	w.t.Helper()
	var final []eventlog.Entry
	late := time.After(patience)
	for len(final) < n {
		select {
		case e := <-w.entries:
			if e.Status.Final() {
				final = append(final, e)
			}
		case <-late:
			w.t.Fatalf("%d of %d events are finished", len(final), n)
		}
	}
	return final
}
