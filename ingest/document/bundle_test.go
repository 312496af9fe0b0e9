// SPDX-License-Identifier: Apache-2.0

package document_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
)

func TestUnpackReturnsThePackedDocument(t *testing.T) {
	for name, doc := range map[string]*document.Document{
		"an empty document": {},
		"one mapping":       sample(1),
		"10,000 mappings":   sample(10_000),
		"several parts":     incompressible(400),
	} {
		t.Run(name, func(t *testing.T) {
			bundle := pack(t, doc)
			got, err := document.Unpack(bundle.Manifest, parts(bundle))
			if err != nil {
				t.Fatal(err)
			}
			if got.Version() != doc.Version() {
				t.Errorf("version %s became %s", doc.Version(), got.Version())
			}
			if version, err := document.ManifestVersion(bundle.Manifest); err != nil || version != doc.Version() {
				t.Errorf("the manifest names version %s, %v; want %s", version, err, doc.Version())
			}
			if !reflect.DeepEqual(bundle, pack(t, doc)) { // cmp.Diff would be slow for megabytes
				t.Error("packing the same document again results in another bundle")
			}
			for i, part := range bundle.Parts {
				if len(part) > 900<<10 {
					t.Errorf("part %d has %d bytes, which is too large for a Kubernetes object", i, len(part))
				}
			}
			t.Logf("%d mappings: %d parts", len(doc.Mappings), len(bundle.Parts))
		})
	}
}

func TestPackRejectsADocumentThatIsTooLarge(t *testing.T) {
	_, err := document.Pack(incompressible(2100))
	if err == nil || !strings.Contains(err.Error(), "spread the mappings over several Sources") {
		t.Errorf("Pack: %v; want an error that says how to fix it", err)
	}
}

func TestUnpackRejectsPartsOfAnotherVersion(t *testing.T) {
	old, latest := pack(t, incompressible(400)), pack(t, incompressible(401))
	if len(old.Parts) < 2 || len(latest.Parts) != len(old.Parts) {
		t.Fatalf("%d and %d parts; want the same number of several parts", len(old.Parts), len(latest.Parts))
	}
	mixed := append([][]byte{latest.Parts[0]}, old.Parts[1:]...)
	for name, part := range map[string]func(int) ([]byte, error){
		"parts of the previous version": parts(old),
		"parts of two versions":         parts(document.Bundle{Parts: mixed}),
		"a part is missing":             parts(document.Bundle{Parts: latest.Parts[:1]}),
		"a part is truncated":           parts(document.Bundle{Parts: append([][]byte{latest.Parts[0][1:]}, latest.Parts[1:]...)}),
	} {
		t.Run(name, func(t *testing.T) {
			if doc, err := document.Unpack(latest.Manifest, part); !errors.Is(err, document.ErrIncomplete) {
				t.Errorf("Unpack: %v, %v; want ErrIncomplete", doc, err)
			}
		})
	}
}

func TestUnpackRejectsAnInvalidManifest(t *testing.T) {
	bundle := pack(t, sample(1))
	for name, manifest := range map[string]string{
		"empty":                      "",
		"invalid JSON":               "{",
		"no parts":                   `{"version":"a","parts":0,"size":0,"sha256":""}`,
		"too many parts":             `{"version":"a","parts":9,"size":0,"sha256":""}`,
		"a negative number of parts": `{"version":"a","parts":-1,"size":0,"sha256":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			if doc, err := document.Unpack([]byte(manifest), parts(bundle)); err == nil || !strings.HasPrefix(err.Error(), "manifest: ") {
				t.Errorf("Unpack: %v, %v; want an error about the manifest", doc, err)
			}
			if version, err := document.ManifestVersion([]byte(manifest)); err == nil {
				t.Errorf("ManifestVersion: %s; want an error", version)
			}
		})
	}
}

// FuzzUnpack checks that for any input, Unpack either fails or returns a document that can be packed and unpacked
// again.
func FuzzUnpack(f *testing.F) {
	bundle := pack(f, sample(3))
	f.Add(bundle.Manifest, bundle.Parts[0])
	f.Add([]byte(`{"parts":1}`), []byte{})
	f.Add(bundle.Manifest, bytes.Repeat([]byte{0x1f, 0x8b}, 20))
	f.Fuzz(func(t *testing.T, manifest, part []byte) {
		doc, err := document.Unpack(manifest, func(int) ([]byte, error) { return part, nil })
		if err != nil {
			return
		}
		again := pack(t, doc)
		back, err := document.Unpack(again.Manifest, parts(again))
		if err != nil {
			t.Fatal(err)
		}
		if back.Version() != doc.Version() {
			t.Errorf("packed again, version %s became %s", doc.Version(), back.Version())
		}
	})
}

func pack(tb testing.TB, doc *document.Document) document.Bundle {
	tb.Helper()
	bundle, err := document.Pack(doc)
	if err != nil {
		tb.Fatal(err)
	}
	return bundle
}

func parts(bundle document.Bundle) func(int) ([]byte, error) {
	return func(i int) ([]byte, error) {
		if i >= len(bundle.Parts) {
			return nil, fs.ErrNotExist
		}
		return bundle.Parts[i], nil
	}
}

// sample returns a typical document with n mappings.
func sample(n int) *document.Document {
	doc := &document.Document{
		Namespace: "production", Name: "rudderstack", Type: "RudderStack", Knock: document.Knock{BaseURL: "https://api.knock.app"},
		Event:    document.Event{Type: "body.type", IdempotencyKey: "body.messageId", Window: 24 * time.Hour},
		Delivery: document.Delivery{Concurrency: 64, Timeout: 30 * time.Second, RetryFor: time.Hour},
	}
	for i := range n {
		doc.Mappings = append(doc.Mappings, mapping(i, fmt.Sprintf("body.properties.total > %d.0", i)))
	}
	return doc
}

// incompressible returns a document with n mappings whose conditions are 4 KiB of random text each.
func incompressible(n int) *document.Document {
	doc, random, noise := sample(0), rand.NewChaCha8([32]byte{byte(n)}), make([]byte, 3<<10)
	for i := range n {
		_, _ = random.Read(noise) // never fails
		doc.Mappings = append(doc.Mappings, mapping(i, base64.StdEncoding.EncodeToString(noise)))
	}
	return doc
}

func mapping(i int, when string) document.Mapping {
	var parameters document.Parameters
	text := fmt.Sprintf(`{"workflow":"order-%d","recipients":"body.userId","data":{"currency":"body.properties.currency"}}`, i)
	if err := json.Unmarshal([]byte(text), &parameters); err != nil {
		panic(err) // cannot happen: the text is valid
	}
	return document.Mapping{
		Name: fmt.Sprintf("mapping-%d", i), Event: fmt.Sprintf("track/event_%d", i), When: when,
		Action: "triggerWorkflow", Parameters: parameters,
	}
}
