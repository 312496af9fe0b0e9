// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestCtrlCLetsTheCallInProgressFinish(t *testing.T) {
	t.Parallel()
	s, rudder := newDevFixture(t), newSender(t)
	answered := make(chan struct{})
	s.knock.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Hold: answered} })
	p := s.start()
	rudder.expectAccepted(t, p.url, order("u_1", 1), 1, 0)
	rudder.expectAccepted(t, p.url, order("u_1", 2), 1, 0)
	s.awaitCalls("call", func(calls []knocktest.Call) bool { return len(calls) == 1 })

	p.interrupt()
	eventually(t, "end of accepting events", func() bool {
		status, _ := rudder.post(t.Context(), p.url, order("u_1", 3))
		return status == 0 || status == http.StatusServiceUnavailable
	})
	if p.exited.Err() != nil {
		t.Fatal("the process did not wait for the call")
	}
	close(answered)

	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d; stderr:\n%s", code, p.stderr.text())
	}
	awaitEvent(p, "u_1", eventlog.Succeeded)
	if calls := s.knock.Calls(); len(calls) != 1 {
		t.Errorf("%d calls; want the one that was in progress", len(calls))
	}
	p = s.start()
	p.awaitEvents(1) // the other order was still in Redis
}

func TestWithoutRedisCtrlCPrintsTheNumberOfLostEvents(t *testing.T) {
	t.Parallel()
	s, rudder := newDevFixture(t), newSender(t)
	s.knock.Respond(func(knocktest.Call) *knocktest.Answer {
		return &knocktest.Answer{Status: http.StatusInternalServerError}
	})
	p := launch(t, s.home, nil, "dev", "-o", "json", "-f", s.manifests, "--listen", "127.0.0.1:0", "--knock-url", s.knock.URL)
	p.ready()
	for n := range 3 {
		rudder.expectAccepted(t, p.url, order("u_1", n), 1, 0)
	}
	s.awaitCalls("answered call", knocktest.Answered(1))
	p.interrupt()
	if code := p.exitCode(); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
	if text := p.stderr.text(); !strings.Contains(text, "3 events that were not delivered are lost") {
		t.Errorf("stderr:\n%s", text)
	}
}

func TestDoorbellDevExitsWith1IfItCannotRun(t *testing.T) {
	t.Parallel()
	inUse, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inUse.Close() })
	good, bad, empty := manifests(t, sourceManifest), manifests(t, sourceManifest+"  eventMatching: Sometimes\n"), manifests(t, "")
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"the directory has no manifest", []string{"-f", empty}, "no usable Source"},
		{"the directory does not exist", []string{"-f", empty + "/nowhere"}, "no usable Source"},
		{"the only Source is invalid", []string{"-f", bad}, `source.yaml:8: spec.eventMatching: `},
		{"the port is in use", []string{"-f", good, "--listen", inUse.Addr().String()}, "address already in use"},
		{"the Redis URL has another scheme", []string{"-f", good, "--redis", "http://127.0.0.1"}, "--redis: "},
		{"the output format is unknown", []string{"-f", good, "-o", "yaml"}, `invalid --output "yaml": must be "text" or "json"`},
		{"no file is named", nil, "filename"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := launch(t, t.TempDir(), nil, append([]string{"dev", "--listen", "127.0.0.1:0"}, test.args...)...)
			if code := p.exitCode(); code != 1 {
				t.Errorf("exit code %d; want 1", code)
			}
			if text := p.stderr.text(); !strings.Contains(text, test.want) {
				t.Errorf("stderr lacks %q:\n%s", test.want, text)
			}
		})
	}
}

// manifests returns a directory with one manifest, or an empty directory.
func manifests(t *testing.T, text string) string {
	t.Helper()
	directory := t.TempDir()
	if text != "" {
		if err := os.WriteFile(filepath.Join(directory, "source.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}
