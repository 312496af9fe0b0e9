// SPDX-License-Identifier: Apache-2.0

package configdir_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
)

// incomplete is the problem of a document whose manifest and parts belong to different versions.
const incomplete = "configuration: incomplete version"

// polled is the result of one poll of the directory.
type polled struct {
	Sent                             bool // whether the watcher sent a configuration; the fields up to Problem are its content
	Workflow                         string
	Tokens                           []string
	APIKey                           string
	Verification, FormerVerification string
	Problem                          string // a prefix of the problem that the watcher reports
}

func TestEachChangedFileIsApplied(t *testing.T) {
	d := newDirectory(t)
	d.poll("an empty directory", polled{Problem: "waiting for a configuration: document/manifest.json does not exist; waiting for a token"})
	d.write("tokens/current", "first\n")
	d.poll("without a document", polled{Problem: "waiting for a configuration"})
	d.writeDocument(workflow("order"))
	d.poll("without an API key", polled{Sent: true, Workflow: "order", Tokens: []string{"first"}})
	d.poll("unchanged", polled{})
	d.write("knock/apiKey", " sk_test \n")
	d.write("verification/secret", "shared\n")
	d.poll("with secrets", polled{Sent: true, Workflow: "order", Tokens: []string{"first"}, APIKey: "sk_test", Verification: "shared"})
	d.write("redis/password", "not part of the configuration")
	d.poll("a file that the watcher does not read", polled{})
	d.remove("knock/apiKey")
	d.poll("without the API key again", polled{Sent: true, Workflow: "order", Tokens: []string{"first"}, Verification: "shared"})
}

func TestBrokenVersionLeavesTheLastGoodOneRunning(t *testing.T) {
	d := newDirectory(t)
	d.write("tokens/current", "first")
	d.writeDocument(workflow("order"))
	d.poll("a good version", polled{Sent: true, Workflow: "order", Tokens: []string{"first"}})
	changed := bundle(t, workflow("order-again"))
	d.write("document/manifest.json", string(changed.Manifest))
	d.poll("a new manifest with an old part", polled{Problem: incomplete})
	d.poll("the same again", polled{Problem: incomplete})
	d.write("tokens/current", "second")
	d.poll("a new token beside the incomplete document", polled{
		Sent: true, Workflow: "order", Tokens: []string{"second"}, Problem: incomplete,
	})
	d.write("document/part-0", string(changed.Parts[0]))
	d.poll("the new part", polled{Sent: true, Workflow: "order-again", Tokens: []string{"second"}})

	broken := workflow("order")
	broken.Event.Type = "body."
	d.writeDocument(broken)
	d.poll("a document that does not compile", polled{Problem: "configuration " + broken.Version() + " does not compile: spec.eventType: "})
	d.remove("document/manifest.json")
	d.poll("no document", polled{Problem: "waiting for a configuration"})
	d.remove("tokens/current")
	d.poll("no token", polled{Problem: "waiting for a configuration"})
	d.write("tokens/current", "second")
	d.writeDocument(workflow("order-again"))
	d.poll("the good version again", polled{})
}

func TestMappingWithAMistakeIsLeftOutAndReported(t *testing.T) {
	d := newDirectory(t)
	d.write("tokens/current", "first")
	doc := workflow("order")
	doc.Mappings = append(doc.Mappings, doc.Mappings[0])
	doc.Mappings[1].Name, doc.Mappings[1].When = "broken", "body.total >"
	d.writeDocument(doc)
	d.poll("the document", polled{
		Sent: true, Workflow: "order", Tokens: []string{"first"}, Problem: "mapping broken is left out: spec.when: ",
	})
}

func TestPreviousTokenExpires(t *testing.T) {
	d := newDirectory(t)
	d.writeDocument(workflow("order"))
	d.write("tokens/current", "new")
	d.write("tokens/previous", "old")
	d.write("tokens/previousUntil", d.now.Add(time.Minute).Format(time.RFC3339)+"\n")
	d.poll("during the rotation", polled{Sent: true, Workflow: "order", Tokens: []string{"new", "old"}})
	d.now = d.now.Add(time.Minute - time.Second)
	d.poll("before the expiry", polled{})
	d.now = d.now.Add(time.Second)
	d.poll("at the expiry", polled{Sent: true, Workflow: "order", Tokens: []string{"new"}})
	d.poll("after the expiry", polled{})
	d.write("tokens/previousUntil", "tomorrow")
	d.poll("an expiry that is not a time", polled{Problem: "the previous token is not valid: tokens/previousUntil: "})
}

func TestFormerVerificationSecretStaysValidForTheOverlap(t *testing.T) {
	d := newDirectory(t)
	d.writeDocument(workflow("order"))
	d.write("tokens/current", "token")
	sent := func(current, former string) polled {
		return polled{Sent: true, Workflow: "order", Tokens: []string{"token"}, Verification: current, FormerVerification: former}
	}
	d.write("verification/secret", "first")
	d.poll("the first secret", sent("first", ""))
	d.write("verification/secret", "second")
	d.poll("the second secret", sent("second", "first"))
	d.now = d.now.Add(document.VerificationOverlap - time.Second)
	d.poll("before the end of the overlap", polled{})
	d.now = d.now.Add(time.Second)
	d.poll("at the end of the overlap", sent("second", ""))
	d.poll("after the overlap", polled{})

	d.remove("verification/secret")
	d.poll("the secret is removed", sent("", "second"))
	d.write("verification/secret", "third")
	d.poll("the secret is written again", sent("third", "second"))
	d.write("verification/secret", "second")
	d.poll("the change is taken back", sent("second", "third"))
}

func TestKubeletVolumeIsReadAsOneVersion(t *testing.T) {
	d := newDirectory(t)
	root := d.path
	writeVersion := func(version string, doc *document.Document, token string) {
		d.path = filepath.Join(root, version)
		d.writeDocument(doc)
		d.write("tokens/current", token)
		d.path = root
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(root, name+".new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(root, name+".new"), filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	writeVersion("..1", workflow("one"), "first")
	link("..1", "..data")
	link("..data/document", "document")
	link("..data/tokens", "tokens")
	d.poll("the first version", polled{Sent: true, Workflow: "one", Tokens: []string{"first"}})
	writeVersion("..2", workflow("two"), "second")
	d.poll("a second version that is not linked yet", polled{})
	link("..2", "..data")
	d.poll("the second version", polled{Sent: true, Workflow: "two", Tokens: []string{"second"}})
}

func TestVersionComesFromTheManifest(t *testing.T) {
	d := newDirectory(t)
	d.write("tokens/current", "first")
	b := bundle(t, workflow("order"))
	d.write("document/part-0", string(b.Parts[0]))
	d.write("document/manifest.json", strings.Replace(string(b.Manifest), b.Version, "of-another-release", 1))
	if config, _ := d.watcher.Poll(); config.Version != "of-another-release" {
		t.Errorf("version %q; want the one in the manifest", config.Version)
	}
}

func TestRunSendsChangesUntilItsContextEnds(t *testing.T) {
	d := newDirectory(t)
	d.write("tokens/current", "first")
	d.writeDocument(workflow("one"))
	ctx, stop := context.WithCancel(t.Context())
	updates, returned := make(chan []pipeline.Config), make(chan error, 1)
	go func() { returned <- d.watcher.Run(ctx, updates) }()
	first := <-updates
	d.writeDocument(workflow("two"))
	second := <-updates
	if first[0].Version == second[0].Version {
		t.Errorf("version %s was sent twice", first[0].Version)
	}
	stop()
	if err := <-returned; err != nil {
		t.Errorf("Run: %v", err)
	}
}
