// SPDX-License-Identifier: Apache-2.0

package configdir_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest"
	"github.com/doorbell-dev/doorbell/ingest/configdir"
	"github.com/doorbell-dev/doorbell/ingest/document"
)

// seen is what a look at the folder came to.
type seen struct {
	Sent                 bool
	Workflow             string
	Tokens               []string
	APIKey, Verification string
	Problem              string // how it begins
}

func TestWhatLiesInTheFolderRuns(t *testing.T) {
	f := newFolder(t)
	f.see("an empty folder", seen{Problem: "waiting for a configuration: document/manifest.json is not there; waiting for a token"})
	f.write("tokens/current", "first\n")
	f.see("without a document", seen{Problem: "waiting for a configuration"})
	f.pack(workflow("order"))
	f.see("without a key", seen{Sent: true, Workflow: "order", Tokens: []string{"first"}})
	f.see("unchanged", seen{})
	f.write("knock/apiKey", " sk_test \n")
	f.write("verification/secret", "shared\n")
	f.see("with secrets", seen{Sent: true, Workflow: "order", Tokens: []string{"first"}, APIKey: "sk_test", Verification: "shared"})
	f.write("redis/password", "not of the source")
	f.see("what is not the source's", seen{})
	f.remove("knock/apiKey")
	f.see("the key is gone", seen{Sent: true, Workflow: "order", Tokens: []string{"first"}, Verification: "shared"})
}

func TestTheLastGoodVersionRunsOn(t *testing.T) {
	f := newFolder(t)
	f.write("tokens/current", "first")
	f.pack(workflow("order"))
	f.see("a good one", seen{Sent: true, Workflow: "order", Tokens: []string{"first"}})
	fresh := bundle(t, workflow("order-again"))
	f.write("document/manifest.json", string(fresh.Manifest))
	f.see("half of a version", seen{Problem: "configuration: half of a version"})
	f.see("still half of it", seen{Problem: "configuration: half of a version"})
	f.write("tokens/current", "second")
	f.see("a token beside it", seen{
		Sent: true, Workflow: "order", Tokens: []string{"second"}, Problem: "configuration: half of a version",
	})
	f.write("document/part-0", string(fresh.Parts[0]))
	f.see("the other half", seen{Sent: true, Workflow: "order-again", Tokens: []string{"second"}})

	broken := workflow("order")
	broken.Event.Type = "body."
	f.pack(broken)
	f.see("one that does not compile", seen{Problem: "configuration " + broken.Version() + " does not compile: spec.eventType: "})
	f.remove("document/manifest.json")
	f.see("none", seen{Problem: "waiting for a configuration"})
	f.remove("tokens/current")
	f.see("no token", seen{Problem: "waiting for a configuration"})
	f.write("tokens/current", "second")
	f.pack(workflow("order-again"))
	f.see("all as it was", seen{})
}

func TestAMappingWithAMistakeIsLeftOutAndTold(t *testing.T) {
	f := newFolder(t)
	f.write("tokens/current", "first")
	doc := workflow("order")
	doc.Mappings = append(doc.Mappings, doc.Mappings[0])
	doc.Mappings[1].Name, doc.Mappings[1].When = "broken", "body.total >"
	f.pack(doc)
	f.see("the document", seen{
		Sent: true, Workflow: "order", Tokens: []string{"first"}, Problem: "mapping broken is left out: spec.when: ",
	})
}

func TestAPreviousTokenEndsInTime(t *testing.T) {
	f := newFolder(t)
	f.pack(workflow("order"))
	f.write("tokens/current", "new")
	f.write("tokens/previous", "old")
	f.write("tokens/previousUntil", f.now.Add(time.Minute).Format(time.RFC3339)+"\n")
	f.see("in rotation", seen{Sent: true, Workflow: "order", Tokens: []string{"new", "old"}})
	f.now = f.now.Add(time.Minute - time.Second)
	f.see("before the end", seen{})
	f.now = f.now.Add(time.Second)
	f.see("at the end", seen{Sent: true, Workflow: "order", Tokens: []string{"new"}})
	f.see("after it", seen{})
	f.write("tokens/previousUntil", "tomorrow")
	f.see("an end that is no time", seen{Problem: "the previous token is not valid: tokens/previousUntil: "})
}

func TestAVersionIsTakenWholeFromKubeletsLinks(t *testing.T) {
	f := newFolder(t)
	real := f.path
	place := func(version string, doc *document.Document, token string) {
		f.path = filepath.Join(real, version)
		f.pack(doc)
		f.write("tokens/current", token)
		f.path = real
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(real, name+".new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(real, name+".new"), filepath.Join(real, name)); err != nil {
			t.Fatal(err)
		}
	}
	place("..1", workflow("one"), "first")
	link("..1", "..data")
	link("..data/document", "document")
	link("..data/tokens", "tokens")
	f.see("the first version", seen{Sent: true, Workflow: "one", Tokens: []string{"first"}})
	place("..2", workflow("two"), "second")
	f.see("one that is not linked yet", seen{})
	link("..2", "..data")
	f.see("the second version", seen{Sent: true, Workflow: "two", Tokens: []string{"second"}})
}

func TestTheWriterNamesTheVersion(t *testing.T) {
	f := newFolder(t)
	f.write("tokens/current", "first")
	b := bundle(t, workflow("order"))
	f.write("document/part-0", string(b.Parts[0]))
	f.write("document/manifest.json", strings.Replace(string(b.Manifest), b.Version, "of-another-release", 1))
	if source, _ := f.watcher.Look(); source.Version != "of-another-release" {
		t.Errorf("version %q; want the manifest's", source.Version)
	}
}

func TestRunSendsWhatChangesUntilItIsStopped(t *testing.T) {
	f := newFolder(t)
	f.write("tokens/current", "first")
	f.pack(workflow("one"))
	ctx, stop := context.WithCancel(t.Context())
	updates, returned := make(chan []ingest.Source), make(chan error, 1)
	go func() { returned <- f.watcher.Run(ctx, updates) }()
	first := <-updates
	f.pack(workflow("two"))
	second := <-updates
	if first[0].Version == second[0].Version {
		t.Errorf("version %s was sent twice", first[0].Version)
	}
	stop()
	if err := <-returned; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// place is a configuration's folder and who follows it.
type place struct {
	t       *testing.T
	path    string
	now     time.Time
	watcher *configdir.Watcher
	writes  int
}

func newFolder(t *testing.T) *place {
	f := &place{t: t, path: t.TempDir(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	f.watcher = configdir.NewWatcher(f.path, func() time.Time { return f.now }, testr.New(t))
	return f
}

func (f *place) see(step string, want seen) {
	f.t.Helper()
	var got seen
	source, fresh := f.watcher.Look()
	if got.Sent = fresh; fresh {
		credentials := source.Credentials
		got.Workflow = source.Document.Mappings[0].Parameters["workflow"].Text
		got.Tokens, got.APIKey, got.Verification = credentials.Tokens, credentials.APIKey, credentials.Verification
	}
	got.Problem = f.watcher.Problem()
	if strings.HasPrefix(got.Problem, want.Problem) && want.Problem != "" {
		got.Problem = want.Problem
	}
	if diff := cmp.Diff(want, got); diff != "" {
		f.t.Errorf("%s (-want +got)\n%s", step, diff)
	}
}

// write gives each file a time of its own, which the clock of the file system may not.
func (f *place) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.path, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	f.writes++
	written := f.now.Add(time.Duration(f.writes) * time.Millisecond)
	if err := os.Chtimes(path, written, written); err != nil {
		f.t.Fatal(err)
	}
}

func (f *place) remove(name string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.path, name)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *place) pack(doc *document.Document) {
	f.t.Helper()
	b := bundle(f.t, doc)
	for i, part := range b.Parts {
		f.write(fmt.Sprintf("document/part-%d", i), string(part))
	}
	f.write("document/manifest.json", string(b.Manifest))
}

func bundle(t *testing.T, doc *document.Document) document.Bundle {
	t.Helper()
	b, err := document.Pack(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// workflow is a source whose one mapping triggers it.
func workflow(name string) *document.Document {
	doc := &document.Document{Namespace: "production", Name: "shop", Event: document.Event{Type: "body.type"}}
	mappings := fmt.Sprintf(`[{"name":"order","event":"order","action":"triggerWorkflow",
		"parameters":{"workflow":%q,"recipients":"body.user"}}]`, name)
	if err := json.Unmarshal([]byte(mappings), &doc.Mappings); err != nil {
		panic(err) // it is written above
	}
	return doc
}
