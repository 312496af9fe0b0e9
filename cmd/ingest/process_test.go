// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/layout"
	"github.com/doorbell-dev/doorbell/ingest/template"
	"github.com/doorbell-dev/doorbell/test/loopback"
)

// runMain is an environment variable that makes the test binary run main instead of the tests.
const runMain = "DOORBELL_TEST_RUN_MAIN"

// patience is how long a test waits for something before it fails.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// process is a running cmd/ingest, which serves a RudderStack source.
type process struct {
	t          *testing.T
	command    *exec.Cmd
	url, admin string
	log        bytes.Buffer // complete once the process has ended
	client     http.Client
}

// startProcess starts cmd/ingest until the test ends. It delivers to the Knock API at knockURL. It returns once the
// process is ready.
func startProcess(t *testing.T, redis, knockURL, apiKey string) *process {
	t.Helper()
	events, admin := loopback.FreeAddress(t), loopback.FreeAddress(t)
	p := &process{t: t, url: "http://" + events + "/production/shop/token", admin: "http://" + admin}
	p.client.Transport = &http.Transport{MaxIdleConnsPerHost: 1000}
	// The command is this test binary. GOMEMLIMIT has the value that the operator sets by default.
	p.command = exec.Command(os.Args[0], "--config", configDirectory(t, knockURL, apiKey), "--listen", events, "--admin", admin, "--redis-address", redis)
	p.command.Env = append(os.Environ(), runMain+"=1", "GOMEMLIMIT=256MiB")
	p.command.Stderr = &p.log
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		_ = p.command.Wait() // always an error, because the process was killed
		if t.Failed() {
			t.Log(p.log.String())
		}
	})
	deadline := time.Now().Add(patience)
	for status := 0; status != http.StatusOK; status, _ = p.get(layout.ReadyPath) {
		if time.Now().After(deadline) {
			t.Fatal("the process does not become ready")
		}
		<-time.After(10 * time.Millisecond) // the readiness probe can only be polled
	}
	return p
}

func configDirectory(t *testing.T, knockURL, apiKey string) string {
	t.Helper()
	source, err := template.Load("RudderStack")
	if err != nil {
		t.Fatal(err)
	}
	doc := &document.Document{
		Namespace: "production", Name: "shop", Type: "RudderStack", Knock: document.Knock{BaseURL: knockURL},
		Event: document.Event{
			Type: source.EventType, Timestamp: source.Timestamp, IdempotencyKey: source.IdempotencyKey,
			OrderingKey: source.OrderingKey, Preprocess: source.Preprocess, Window: time.Hour,
		},
		Delivery: document.Delivery{Concurrency: 64, Timeout: 10 * time.Second, RetryFor: time.Hour},
		EventLog: document.EventLog{MaxEvents: 1000, Retention: time.Hour},
		Mappings: source.Mappings,
	}
	bundle, err := document.Pack(doc)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		layout.ManifestFile: bundle.Manifest, layout.CurrentTokenFile: []byte("token"), layout.APIKeyFile: []byte(apiKey),
	}
	for i, part := range bundle.Parts {
		files[layout.PartFile(i)] = part
	}
	directory := t.TempDir()
	for name, content := range files {
		path := filepath.Join(directory, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// send sends a body with this Content-Encoding to the source and returns the response; status 0 if there is none.
func (p *process) send(encoding string, body []byte) (status int, answer []byte) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		p.t.Error(err)
		return 0, nil
	}
	request.Header.Set("Content-Encoding", encoding)
	return p.do(request)
}

// get returns the response of the admin port to a GET request; status 0 if there is none.
func (p *process) get(path string) (status int, body []byte) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, p.admin+path, http.NoBody)
	if err != nil {
		p.t.Error(err)
		return 0, nil
	}
	return p.do(request)
}

// post sends a body to the source and returns the response; status 0 if there is none.
func (p *process) post(body []byte) (status int, answer []byte) { return p.send("", body) }

func (p *process) do(request *http.Request) (status int, answer []byte) {
	response, err := p.client.Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	if err != nil {
		return 0, nil
	}
	return response.StatusCode, answer
}

// identify returns a RudderStack event of about size bytes that a default mapping matches. Each index has its own event
// and user.
func identify(index, size int) []byte {
	note, _ := json.Marshal(strings.Repeat("x", size))
	return fmt.Appendf(nil, `{"type":"identify","userId":"u%d","messageId":"m%d","traits":{"note":%s}}`, index, index, note)
}
