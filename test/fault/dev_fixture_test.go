// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

const (
	wrongKey     = "sk_test_of_another_account"
	senderSecret = "what-only-RudderStack-knows"
)

const sourceManifest = `apiVersion: doorbell.dev/v1alpha1
kind: Source
metadata: {name: shop, namespace: test}
spec:
  type: RudderStack
  knock:
    apiKeySecretRef: {name: knock, key: apiKey}
`

// keyManifest returns the Secret with this API key.
func keyManifest(key string) string {
	return `apiVersion: v1
kind: Secret
metadata: {name: knock, namespace: test}
stringData:
  apiKey: ` + key + "\n"
}

// devFixture is the directory of manifests for doorbell dev, with the Redis and the Knock that it uses.
type devFixture struct {
	t               *testing.T
	home, manifests string
	listen          string
	redis           *redistest.Server
	knock           *knocktest.Server
}

// newDevFixture writes a RudderStack source, test/shop, with an API key that Knock accepts.
func newDevFixture(t *testing.T, options ...knocktest.Option) *devFixture {
	t.Helper()
	s := &devFixture{
		t: t, home: t.TempDir(), manifests: t.TempDir(), listen: "127.0.0.1:0",
		redis: redistest.Start(t), knock: knocktest.New(t, options...),
	}
	s.write("source.yaml", sourceManifest)
	s.write("secret.yaml", keyManifest(knocktest.APIKey))
	return s
}

func (s *devFixture) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.manifests, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *devFixture) remove(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.manifests, name)); err != nil {
		s.t.Fatal(err)
	}
}

// start starts doorbell dev and waits until it is ready. Every later process listens on the address of the first.
func (s *devFixture) start() *process {
	s.t.Helper()
	p := s.launch(s.home, s.listen)
	at, err := url.Parse(p.ready())
	if err != nil {
		s.t.Fatal(err)
	}
	s.listen = at.Host
	return p
}

func (s *devFixture) launch(home, listen string) *process {
	s.t.Helper()
	return launch(s.t, home, nil, "dev", "-o", "json", "-f", s.manifests, "--listen", listen,
		"--redis", "redis://"+s.redis.Addr, "--knock-url", s.knock.URL)
}

// awaitLog waits until the event log of test/shop in Redis has at least count entries with a status.
func (s *devFixture) awaitLog(status eventlog.Status, count int) {
	s.t.Helper()
	log := eventlog.Open(s.redis.Client(s.t), keyspace.New("test/shop", 1), eventlog.Limits{})
	eventually(s.t, "log entries with the status "+string(status), func() bool {
		page, err := log.List(s.t.Context(), eventlog.Query{Limit: 1000, Status: status})
		if err != nil {
			s.t.Fatal(err)
		}
		return len(page.Entries) >= count
	})
}

// awaitCalls waits until Knock has received calls for which enough returns true.
func (s *devFixture) awaitCalls(what string, enough func([]knocktest.Call) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if s.knock.Wait(ctx, enough) != nil {
		s.t.Fatalf("no %s", what)
	}
}

// eventually polls a condition until it holds. Use it only if nothing signals the condition.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("no %s", what)
		}
	}
}
