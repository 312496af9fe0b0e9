// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/ingest/report"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// mount is the folder that a pod's processes read, with what they run between.
type mount struct {
	t      *testing.T
	folder string
	redis  *redistest.Server
	knock  *knocktest.Server
	flags  []string // beside those that every process has
}

// newMount has a document, a token and a key that its Knock takes.
func newMount(t *testing.T, redis *redistest.Server) *mount {
	t.Helper()
	m := &mount{t: t, folder: t.TempDir(), redis: redis, knock: knocktest.New(t)}
	m.pack("order")
	m.write("tokens/current", "first-token")
	m.write("knock/apiKey", knocktest.APIKey+"\n")
	return m
}

func (m *mount) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *mount) remove(name string) {
	m.t.Helper()
	if err := os.Remove(filepath.Join(m.folder, name)); err != nil {
		m.t.Fatal(err)
	}
}

// pack has orders trigger a workflow, and returns the version.
func (m *mount) pack(workflow string) string {
	m.t.Helper()
	b := m.bundle(workflow)
	m.write("document/part-0", string(b.Parts[0]))
	m.write("document/manifest.json", string(b.Manifest))
	return b.Version
}

func (m *mount) bundle(workflow string) document.Bundle {
	m.t.Helper()
	text := fmt.Sprintf(`{"namespace":"test","name":"shop","type":"RudderStack","knock":{"baseURL":%q},
		"event":{"type":"body.event","idempotencyKey":"body.messageId","orderingKey":"body.userId","window":3600000000000},
		"delivery":{"concurrency":16,"timeout":10000000000,"retryFor":3600000000000},
		"eventLog":{"maxEvents":1000,"retention":3600000000000},
		"mappings":[{"name":"order","event":"order","action":"triggerWorkflow",
			"parameters":{"workflow":%q,"recipients":"body.userId","data":{"n":"body.n"}}}]}`, m.knock.URL, workflow)
	var doc document.Document
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		m.t.Fatal(err)
	}
	b, err := document.Pack(&doc)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// pod is a process of cmd/ingest.
type pod struct {
	*process
	events, admin string // host:port
}

func (m *mount) start() *pod {
	m.t.Helper()
	p := &pod{process: launchProgram(m.t, ingestBinary, nil, append([]string{
		"--config", m.folder, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--redis-address", m.redis.Addr,
	}, m.flags...)...)}
	p.await(p.stderr, "first line of the log", func(lines []line) bool { return len(lines) > 0 })
	var first struct{ Listen, Admin string }
	lines, _ := p.stderr.sofar()
	if err := json.Unmarshal([]byte(lines[0].Raw), &first); err != nil {
		m.t.Fatalf("%v: %s", err, lines[0].Raw)
	}
	p.events, p.admin = first.Listen, first.Admin
	return p
}

// at is the source's URL with a token.
func (p *pod) at(token string) string { return "http://" + p.events + "/test/shop/" + token }

func (p *pod) get(path string) (int, []byte) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.admin+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body) // a prober looks at the status
	return response.StatusCode, body
}

func (p *pod) ready() bool {
	status, _ := p.get("/readyz")
	return status == http.StatusOK
}

// reports waits for what the process says of itself.
func (p *pod) reports(what string, holds func(report.Report) bool) report.Report {
	p.t.Helper()
	var got report.Report
	eventually(p.t, what, func() bool {
		status, body := p.get("/status")
		got = report.Report{}
		if status != http.StatusOK || json.Unmarshal(body, &got) != nil {
			p.t.Fatalf("/status: %d %s", status, body)
		}
		for _, secret := range []string{knocktest.APIKey, "-token", "redis-password"} {
			if bytes.Contains(body, []byte(secret)) {
				p.t.Errorf("/status tells the secret %q: %s", secret, body)
			}
		}
		return holds(got)
	})
	return got
}

func (p *pod) runs(version string) {
	p.t.Helper()
	p.reports("version "+version, func(r report.Report) bool {
		return r.Configuration.Version == version && r.Configuration.Problem == ""
	})
}
