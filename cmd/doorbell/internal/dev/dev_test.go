// SPDX-License-Identifier: Apache-2.0

package dev_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/cmd/doorbell/internal/dev"
)

const source = `apiVersion: doorbell.dev/v1alpha1
kind: Source
metadata: {name: shop}
spec:
  type: Custom
  eventType: body.type
  idempotency: {key: body.id}
  defaultMappings: []
  knock: {apiKeySecretRef: {name: knock, key: apiKey}}
`

func mapping(name, source, recipients string) string {
	return fmt.Sprintf(`apiVersion: doorbell.dev/v1alpha1
kind: ActionMapping
metadata: {name: %s}
spec:
  sourceRef: {name: %s}
  event: order
  triggerWorkflow: {workflow: %s, recipients: %q}
`, name, source, name, recipients)
}

// process is a running dev.Run without an API key, so that it makes no calls.
type process struct {
	t         *testing.T
	directory string
	url       string
	lines     chan line
	stderr    *output
	posted    int
}

// line is one line of the JSON output.
type line struct {
	Kind, URL string
	Actions   []struct{ Mapping string }
}

// start runs the manifests, which it writes to a directory, until the test ends.
func start(t *testing.T, manifests map[string]string) *process {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	p := &process{t: t, directory: t.TempDir(), lines: make(chan line, 100), stderr: &output{changed: make(chan struct{}, 1)}}
	for name, text := range manifests {
		p.write(name, text)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		defer writer.Close()
		ended <- dev.Run(ctx, dev.Options{
			Paths: []string{p.directory}, Listen: "127.0.0.1:0", Output: dev.JSON, Stdout: writer, Stderr: p.stderr,
		})
	}()
	go p.read(reader)
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("dev.Run: %v", err)
		}
	})
	p.url = p.next("ready").URL
	return p
}

func (p *process) read(stdout *os.File) {
	defer stdout.Close()
	for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
		var l line
		if err := json.Unmarshal(scanner.Bytes(), &l); err != nil {
			p.t.Errorf("stdout has a line that is not JSON: %s", scanner.Text())
		}
		p.lines <- l
	}
}

// write replaces a manifest atomically, as most editors do.
func (p *process) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.directory, name)
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) next(kind string) line {
	p.t.Helper()
	select {
	case l := <-p.lines:
		if l.Kind != kind {
			p.t.Fatalf("got the line %+v, want kind %s", l, kind)
		}
		return l
	case <-time.After(time.Minute):
		p.t.Fatalf("no line of kind %s; stderr:\n%s", kind, p.stderr.text())
		return line{}
	}
}

// post sends a new event and returns the mappings whose actions Doorbell ran.
func (p *process) post() []string {
	p.t.Helper()
	p.posted++
	body := fmt.Sprintf(`{"id": "%d", "type": "order", "user": "u"}`, p.posted)
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		p.t.Fatalf("status %d", response.StatusCode)
	}
	var ran []string
	for _, action := range p.next("event").Actions {
		ran = append(ran, action.Mapping)
	}
	return ran
}

// awaitActions posts events until Doorbell runs the actions of exactly these mappings, since a change of the manifests applies
// after a moment.
func (p *process) awaitActions(want ...string) {
	p.t.Helper()
	var got []string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if got = p.post(); cmp.Equal(want, got) {
			return
		}
	}
	p.t.Fatalf("actions of %q ran, want %q; stderr:\n%s", got, want, p.stderr.text())
}

// expectActions posts some events and expects that Doorbell runs the actions of exactly these mappings for each.
func (p *process) expectActions(want ...string) {
	p.t.Helper()
	for range 10 {
		if diff := cmp.Diff(want, p.post()); diff != "" {
			p.t.Fatalf("mappings whose actions ran (-want +got):\n%s", diff)
		}
	}
}

// output collects what dev.Run writes to stderr.
type output struct {
	mu      sync.Mutex
	written strings.Builder
	changed chan struct{}
}

func (o *output) Write(data []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.changed <- struct{}{}:
	default:
	}
	return o.written.Write(data)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.written.String()
}

// awaitStderr waits until stderr contains text.
func (p *process) awaitStderr(text string) {
	p.t.Helper()
	for deadline := time.After(time.Minute); !strings.Contains(p.stderr.text(), text); {
		select {
		case <-p.stderr.changed:
		case <-deadline:
			p.t.Fatalf("stderr lacks %q:\n%s", text, p.stderr.text())
		}
	}
}

func TestAMappingThatDoesNotCompileIsNotRunUntilItIsCorrected(t *testing.T) {
	p := start(t, map[string]string{
		"source.yaml": source, "good.yaml": mapping("good", "shop", "body.user"), "edited.yaml": mapping("edited", "shop", "body.user"),
	})
	p.awaitActions("edited", "good")

	p.write("edited.yaml", mapping("edited", "shop", "body.user +"))
	p.awaitStderr("edited.yaml:7: spec.triggerWorkflow.recipients: ")
	p.awaitActions("good")
	p.expectActions("good")

	p.write("edited.yaml", mapping("edited", "shop", "body.user"))
	p.awaitActions("edited", "good")
}

func TestAManifestThatTheAPIServerWouldRejectChangesNothing(t *testing.T) {
	p := start(t, map[string]string{"source.yaml": source, "edited.yaml": mapping("edited", "shop", "body.user")})
	p.awaitActions("edited")

	p.write("edited.yaml", mapping("edited", "shop", "body.user")+"  unknown: 1\n")
	p.awaitStderr("edited.yaml:8: spec.unknown: unknown field")
	p.expectActions("edited")

	p.write("edited.yaml", mapping("renamed", "shop", "body.user"))
	p.awaitActions("renamed")
}

func TestASourceThatDoesNotCompileKeepsItsRunningConfiguration(t *testing.T) {
	p := start(t, map[string]string{"source.yaml": source, "mapping.yaml": mapping("first", "shop", "body.user")})
	p.awaitActions("first")

	p.write("source.yaml", strings.Replace(source, "body.type", "body.type +", 1))
	p.awaitStderr("source.yaml:6: spec.eventType: ")
	p.write("mapping.yaml", mapping("second", "shop", "body.user"))
	p.write("lost.yaml", mapping("lost", "nowhere", "body.user"))
	p.awaitStderr("lost.yaml:5: ") // now the second mapping has been read too
	p.expectActions("first")

	p.write("source.yaml", source)
	p.awaitActions("second")
}

func TestAMappingOfAnUnknownSourceSuggestsTheNearest(t *testing.T) {
	p := start(t, map[string]string{"source.yaml": source, "mapping.yaml": mapping("lost", "shopp", "body.user")})
	p.awaitStderr(`mapping.yaml:5: spec.sourceRef.name: there is no Source "shopp" in namespace "default"; did you mean "shop"?`)
}

func TestAMistakeInAnExpressionIsShownWithACaret(t *testing.T) {
	p := start(t, map[string]string{"source.yaml": source, "mapping.yaml": mapping("broken", "shop", "body.user + totl")})
	p.awaitStderr("mapping.yaml:7: spec.triggerWorkflow.recipients: unknown name")
	p.awaitStderr("\n      body.user + totl\n                  ^\n")
}

func TestAMappingWithTwoActionsIsRejectedWithTheirNames(t *testing.T) {
	p := start(t, map[string]string{
		"source.yaml": source, "mapping.yaml": mapping("double", "shop", "body.user") + "  identifyUser: {id: body.user}\n",
	})
	p.awaitStderr("mapping.yaml:4: spec: found the actions identifyUser and triggerWorkflow")
}
