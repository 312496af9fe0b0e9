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

func keyManifest(key string) string {
	return `apiVersion: v1
kind: Secret
metadata: {name: knock, namespace: test}
stringData:
  apiKey: ` + key + "\n"
}

// scene is what a process runs between.
type scene struct {
	t            *testing.T
	home, folder string
	listen       string
	redis        *redistest.Server
	knock        *knocktest.Server
}

// newScene has a RudderStack source, test/shop, with a key that its Knock takes.
func newScene(t *testing.T, options ...knocktest.Option) *scene {
	t.Helper()
	s := &scene{
		t: t, home: t.TempDir(), folder: t.TempDir(), listen: "127.0.0.1:0",
		redis: redistest.Start(t), knock: knocktest.New(t, options...),
	}
	s.write("source.yaml", sourceManifest)
	s.write("secret.yaml", keyManifest(knocktest.APIKey))
	return s
}

func (s *scene) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) remove(name string) {
	s.t.Helper()
	if err := os.Remove(filepath.Join(s.folder, name)); err != nil {
		s.t.Fatal(err)
	}
}

// start runs a process and waits until it takes events. The second and later ones are at the first one's URL.
func (s *scene) start() *process {
	s.t.Helper()
	p := s.launch(s.home, s.listen)
	at, err := url.Parse(p.ready())
	if err != nil {
		s.t.Fatal(err)
	}
	s.listen = at.Host
	return p
}

func (s *scene) launch(home, listen string) *process {
	s.t.Helper()
	return launch(s.t, home, nil, "dev", "-o", "json", "-f", s.folder, "--listen", listen,
		"--redis", "redis://"+s.redis.Addr, "--knock-url", s.knock.URL)
}

// awaitLog waits until the event log of test/shop, whoever wrote it, has that many entries with a status.
func (s *scene) awaitLog(status eventlog.Status, count int) {
	s.t.Helper()
	log := eventlog.Open(s.redis.Client(s.t), keyspace.New("test/shop", 1), eventlog.Limits{})
	eventually(s.t, "entries in the log that are "+string(status), func() bool {
		entries, err := log.List(s.t.Context(), eventlog.Query{Limit: 10_000, Status: status})
		if err != nil {
			s.t.Fatal(err)
		}
		return len(entries) >= count
	})
}

// awaitCalls waits until enough says so of the calls that came to Knock.
func (s *scene) awaitCalls(what string, enough func([]knocktest.Call) bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if s.knock.Wait(ctx, enough) != nil {
		s.t.Fatalf("no %s", what)
	}
}

// eventually looks again and again at something that gives no sign when it changes.
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
