// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// latency is the duration of each call to Knock in virtual time.
const latency = 50 * time.Millisecond

// inVirtualTime runs a test in a bubble of synctest, with a Redis and a Knock in memory.
func inVirtualTime(t *testing.T, test func(t *testing.T, f *fixture), options ...knocktest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake := knocktest.Handler(options...)
		redis := miniredis.NewMiniRedis()
		t.Cleanup(redis.Close)
		f := &fixture{
			t: t, memory: redis, client: memoryClient(t, redis), knock: &knocktest.Server{Knock: fake, URL: "http://knock"},
		}
		f.setKey(knocktest.APIKey)
		f.settings = delivery.Settings{
			Lease:    30 * time.Second,
			Program:  compile(t, mappings),
			Delivery: document.Delivery{Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Hour},
			Redactor: eventlog.NewRedactor(nil, false),
			Caller: knock.New(knock.Config{
				BaseURL: f.knock.URL, APIKey: func() string { return *f.key.Load() }, Transport: memoryTransport{fake},
			}),
		}
		test(t, f)
	})
}

// memoryClient returns a client of a Redis in memory.
func memoryClient(t testing.TB, redis *miniredis.Miniredis) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{
		InitAddress: []string{"redis:1"}, DisableCache: true, ForceSingleClient: true,
		DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) { return redis.Dial() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// memoryTransport sends requests to a fake without a network. The fake executes a call after half of the latency.
type memoryTransport struct{ fake *knocktest.Knock }

// RoundTrip implements http.RoundTripper.
func (m memoryTransport) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the fake closed the connection")
		}
	}()
	if err := elapse(r.Context(), latency/2); err != nil {
		return nil, err
	}
	incoming := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), r.Body)
	incoming.Header = r.Header
	recorder := httptest.NewRecorder()
	m.fake.ServeHTTP(recorder, incoming)
	if err := elapse(r.Context(), latency/2); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

func elapse(ctx context.Context, duration time.Duration) error {
	select {
	case <-time.After(duration):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
