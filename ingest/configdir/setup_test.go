// SPDX-License-Identifier: Apache-2.0

package configdir_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/configdir"
	"github.com/doorbell-dev/doorbell/ingest/document"
)

// directory is a configuration directory with its watcher.
type directory struct {
	t       *testing.T
	path    string
	now     time.Time
	watcher *configdir.Watcher
	writes  int
}

func newDirectory(t *testing.T) *directory {
	d := &directory{t: t, path: t.TempDir(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	d.watcher = configdir.NewWatcher(d.path, func() time.Time { return d.now }, testr.New(t))
	return d
}

// poll polls once and compares the result. A wanted problem is the beginning of the reported one.
func (d *directory) poll(step string, want polled) {
	d.t.Helper()
	var got polled
	config, changed := d.watcher.Poll()
	if got.Sent = changed; changed {
		credentials := config.Credentials
		got.Workflow = config.Document.Mappings[0].Parameters["workflow"].Text
		got.Tokens, got.APIKey = credentials.Tokens, credentials.APIKey
		got.Verification, got.FormerVerification = credentials.Verification, credentials.FormerVerification
	}
	got.Problem = d.watcher.Problem()
	if strings.HasPrefix(got.Problem, want.Problem) && want.Problem != "" {
		got.Problem = want.Problem
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("%s (-want +got)\n%s", step, diff)
	}
}

// write writes a file with a unique modification time, because the file system's clock is too coarse to distinguish two
// quick writes.
func (d *directory) write(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.path, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.writes++
	written := d.now.Add(time.Duration(d.writes) * time.Millisecond)
	if err := os.Chtimes(path, written, written); err != nil {
		d.t.Fatal(err)
	}
}

func (d *directory) remove(name string) {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.path, name)); err != nil {
		d.t.Fatal(err)
	}
}

// writeDocument writes the parts before the manifest, so that the watcher never reads a manifest whose parts are
// missing.
func (d *directory) writeDocument(doc *document.Document) {
	d.t.Helper()
	b := bundle(d.t, doc)
	for i, part := range b.Parts {
		d.write(fmt.Sprintf("document/part-%d", i), string(part))
	}
	d.write("document/manifest.json", string(b.Manifest))
}

func bundle(t *testing.T, doc *document.Document) document.Bundle {
	t.Helper()
	b, err := document.Pack(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// workflow returns a document whose only mapping triggers the workflow with this name.
func workflow(name string) *document.Document {
	doc := &document.Document{Namespace: "production", Name: "shop", Event: document.Event{Type: "body.type"}}
	mappings := fmt.Sprintf(`[{"name":"order","event":"order","action":"triggerWorkflow",
		"parameters":{"workflow":%q,"recipients":"body.user"}}]`, name)
	if err := json.Unmarshal([]byte(mappings), &doc.Mappings); err != nil {
		panic(err) // only the name in this JSON varies
	}
	return doc
}
