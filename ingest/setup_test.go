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

// patience is how long a test waits for something before it fails.
const patience = 20 * time.Second

// fixture is a running data plane with a real Redis and a fake Knock.
type fixture struct {
	t              *testing.T
	redis          *redistest.Server
	knock          *knocktest.Server
	url            string // without a path
	admin          string
	user, password string // of Redis
	minReplicas    int
	updates        chan []pipeline.Config
	applied        chan struct{} // one value for each configuration that is served
	entries        chan eventlog.Entry
	cancel         context.CancelFunc
	returned       chan error // the result of Run
}

// start runs a data plane until the test ends. The changes may replace its Redis.
func start(t *testing.T, change ...func(*fixture)) *fixture {
	t.Helper()
	f := &fixture{
		t: t, redis: redistest.Start(t), knock: knocktest.New(t), updates: make(chan []pipeline.Config),
		applied: make(chan struct{}, 1), entries: make(chan eventlog.Entry, 10_000), returned: make(chan error, 1),
	}
	for _, change := range change {
		change(f)
	}
	listener, admin := listen(t), listen(t)
	f.url, f.admin = "http://"+listener.Addr().String(), "http://"+admin.Addr().String()
	server := ingest.New(ingest.Config{
		Listener: listener, Admin: admin, Connect: f.connect, MinReplicas: f.minReplicas, Version: "test", Log: testr.New(t),
		Registry: prometheus.NewRegistry(), Now: time.Now,
		Observe: func(e eventlog.Entry) { f.entries <- e },
		Applied: func([]pipeline.Config) { f.applied <- struct{}{} },
	})
	ctx, cancel := context.WithCancel(t.Context())
	f.cancel = cancel
	go func() { f.returned <- server.Run(ctx, f.updates) }()
	t.Cleanup(func() {
		cancel()
		if err := f.awaitReturn(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (f *fixture) connect(context.Context) (rueidis.Client, error) {
	return rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{f.redis.Addr}, DisableCache: true, ForceSingleClient: true, ClientSetInfo: rueidis.DisableClientSetInfo,
		Username: f.user, Password: f.password,
	})
}

// awaitReturn waits until Run returns, and returns its error. It can be called several times.
func (f *fixture) awaitReturn() error {
	f.t.Helper()
	select {
	case err := <-f.returned:
		f.returned <- err // for the next call
		return err
	case <-time.After(patience):
		f.t.Fatal("Run did not return")
		return nil
	}
}

// apply replaces the configuration with these sources, and returns after the data plane serves them.
func (f *fixture) apply(sources ...pipeline.Config) {
	f.t.Helper()
	f.updates <- sources
	<-f.applied
}

// source returns a configuration whose only mapping triggers the workflow for each event of type order.
func (f *fixture) source(name, workflow string, change ...func(*document.Document)) pipeline.Config {
	f.t.Helper()
	doc := &document.Document{
		Namespace: "production", Name: name, Knock: document.Knock{BaseURL: f.knock.URL},
		Event:    document.Event{Type: "body.type", IdempotencyKey: "body.id", OrderingKey: "body.user", Window: time.Hour},
		Delivery: document.Delivery{Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Hour},
		EventLog: document.EventLog{MaxEvents: 1000, Retention: time.Hour},
	}
	order := fmt.Sprintf(`[{"name":"order","event":"order","action":"triggerWorkflow",
		"parameters":{"workflow":%q,"recipients":"body.user"}}]`, workflow)
	if err := json.Unmarshal([]byte(order), &doc.Mappings); err != nil {
		f.t.Fatal(err)
	}
	for _, change := range change {
		change(doc)
	}
	program, problems := mapping.Compile(doc)
	if len(problems) > 0 {
		f.t.Fatal(problems)
	}
	return pipeline.Config{
		Document: doc, Program: program,
		Credentials: document.Credentials{Tokens: []string{"token"}, APIKey: knocktest.APIKey},
	}
}

func suspended(doc *document.Document) { doc.Delivery.Suspend = true }

// post sends one event of type order to a source and returns the response status. Each user has its own lane and its
// own idempotency key.
func (f *fixture) post(source, user string) int {
	status, err := post(f.t.Context(), f.url, source, user)
	if err != nil {
		f.t.Fatal(err)
	}
	return status
}

// postUntilAccepted repeats post while the status is 429, because the source may not be open in Redis yet.
func (f *fixture) postUntilAccepted(source, user string) {
	f.t.Helper()
	for range time.Tick(10 * time.Millisecond) {
		switch status := f.post(source, user); status {
		case http.StatusOK:
			return
		case http.StatusTooManyRequests:
		default:
			f.t.Fatalf("status %d", status)
		}
	}
}

func post(ctx context.Context, url, source, user string) (status int, err error) {
	body := fmt.Sprintf(`{"type":"order","user":%q,"id":"%s/1"}`, user, user)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/production/"+source+"/token", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	status, _, err = do(request)
	return status, err
}

// get returns the response of the admin port to a GET request.
func (f *fixture) get(path string) (status int, body []byte) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.admin+path, http.NoBody)
	if err != nil {
		f.t.Fatal(err)
	}
	status, body, err = do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	return status, body
}

func do(request *http.Request) (status int, body []byte, err error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// finished waits for n more event log entries with a final status, and returns them.
func (f *fixture) finished(n int) []eventlog.Entry {
	f.t.Helper()
	var final []eventlog.Entry
	late := time.After(patience)
	for len(final) < n {
		select {
		case e := <-f.entries:
			if e.Status.Final() {
				final = append(final, e)
			}
		case <-late:
			f.t.Fatalf("only %d of %d events finished", len(final), n)
		}
	}
	return final
}
