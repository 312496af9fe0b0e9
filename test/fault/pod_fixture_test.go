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

// podFixture is the config directory of a pod, with the Redis and the Knock that its processes use.
type podFixture struct {
	t      *testing.T
	config string
	redis  *redistest.Server
	knock  *knocktest.Server
	flags  []string // in addition to the flags of every process
}

// newPodFixture writes a document, a token, and an API key that Knock accepts.
func newPodFixture(t *testing.T, redis *redistest.Server) *podFixture {
	t.Helper()
	m := &podFixture{t: t, config: t.TempDir(), redis: redis, knock: knocktest.New(t)}
	m.writeDocument("order")
	m.write("tokens/current", "first-token")
	m.write("knock/apiKey", knocktest.APIKey+"\n")
	return m
}

func (m *podFixture) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.config, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *podFixture) remove(name string) {
	m.t.Helper()
	if err := os.Remove(filepath.Join(m.config, name)); err != nil {
		m.t.Fatal(err)
	}
}

// writeDocument writes a document that triggers the workflow for every order, and returns its version.
func (m *podFixture) writeDocument(workflow string) string {
	m.t.Helper()
	b := m.bundle(workflow)
	m.write("document/part-0", string(b.Parts[0]))
	m.write("document/manifest.json", string(b.Manifest))
	return b.Version
}

// bundle packs a document that triggers the workflow for every order.
func (m *podFixture) bundle(workflow string) document.Bundle {
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

// pod is a process of the ingest program.
type pod struct {
	*process
	events, admin string // host:port
}

func (m *podFixture) start() *pod {
	m.t.Helper()
	p := &pod{process: launchProgram(m.t, ingestBinary, nil, append([]string{
		"--config", m.config, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--redis-address", m.redis.Addr,
	}, m.flags...)...)}
	p.await(p.stderr, "first line of the log", func(lines []line) bool { return len(lines) > 0 })
	var first struct{ Listen, Admin string }
	lines, _ := p.stderr.linesSoFar()
	if err := json.Unmarshal([]byte(lines[0].Raw), &first); err != nil {
		m.t.Fatalf("%v: %s", err, lines[0].Raw)
	}
	p.events, p.admin = first.Listen, first.Admin
	return p
}

// at returns the source's ingestion URL with this token.
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
	body, _ := io.ReadAll(response.Body) // the status is what matters
	return response.StatusCode, body
}

func (p *pod) ready() bool {
	status, _ := p.get("/readyz")
	return status == http.StatusOK
}

// awaitReport waits until the pod's report satisfies holds, and returns the report. It fails the test if a report
// contains a secret.
func (p *pod) awaitReport(what string, holds func(report.Report) bool) report.Report {
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
				p.t.Errorf("/status contains the secret %q: %s", secret, body)
			}
		}
		return holds(got)
	})
	return got
}

// awaitVersion waits until the pod runs this version of the document.
func (p *pod) awaitVersion(version string) {
	p.t.Helper()
	p.awaitReport("version "+version, func(r report.Report) bool {
		return r.Configuration.Version == version && r.Configuration.Problem == ""
	})
}
