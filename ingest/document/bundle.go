// SPDX-License-Identifier: Apache-2.0

package document

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const (
	// maxPart keeps a part, in base64, within the 1 MiB that an object of Kubernetes may have, its metadata included.
	maxPart = 700 << 10
	// MaxParts is how many parts a document may have.
	MaxParts = 8
	// maxInflated bounds what a bundle may inflate to.
	maxInflated = 256 << 20
)

// ErrIncomplete means that the parts are not those of the manifest: a new version is being written.
var ErrIncomplete = errors.New("half of a version")

// Bundle is a document as it travels: compressed and cut into parts, with a manifest by which the reader knows that it has all
// parts of one version.
type Bundle struct {
	// Version of the document.
	Version  string
	Manifest []byte
	Parts    [][]byte
}

// manifest is the JSON of Bundle.Manifest.
type manifest struct {
	Version string `json:"version"`
	Parts   int    `json:"parts"`
	Size    int    `json:"size"`
	SHA256  string `json:"sha256"`
}

// Pack packs a document. Equal documents make equal bundles. It fails for a document that outgrows MaxParts.
func Pack(doc *Document) (Bundle, error) {
	encoded, err := json.Marshal(doc)
	if err != nil {
		return Bundle{}, fmt.Errorf("encode the document: %w", err)
	}
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return Bundle{}, fmt.Errorf("compress the document: %w", err)
	}
	if _, err := writer.Write(encoded); err != nil {
		return Bundle{}, fmt.Errorf("compress the document: %w", err)
	}
	if err := writer.Close(); err != nil {
		return Bundle{}, fmt.Errorf("compress the document: %w", err)
	}
	if packed.Len() > maxPart*MaxParts || len(encoded) > maxInflated {
		return Bundle{}, fmt.Errorf("the configuration with its %d mappings has %d KiB compressed, and at most %d KiB fit: "+
			"spread the mappings over several Sources", len(doc.Mappings), packed.Len()>>10, maxPart*MaxParts>>10)
	}
	sum := sha256.Sum256(packed.Bytes())
	bundle := Bundle{Version: doc.Version()}
	for rest := packed.Bytes(); len(rest) > 0; {
		n := min(len(rest), maxPart)
		bundle.Parts = append(bundle.Parts, rest[:n:n])
		rest = rest[n:]
	}
	bundle.Manifest, err = json.Marshal(manifest{
		Version: bundle.Version, Parts: len(bundle.Parts), Size: packed.Len(), SHA256: hex.EncodeToString(sum[:]),
	})
	return bundle, err
}

// ManifestVersion is the version that a manifest names. It is the writer's account: a reader of another release may know other
// fields, and would count another version.
func ManifestVersion(encodedManifest []byte) (string, error) {
	m, err := parseManifest(encodedManifest)
	return m.Version, err
}

func parseManifest(encoded []byte) (manifest, error) {
	var m manifest
	if err := json.Unmarshal(encoded, &m); err != nil {
		return manifest{}, fmt.Errorf("manifest: %w", err)
	}
	if m.Parts < 1 || m.Parts > MaxParts {
		return manifest{}, fmt.Errorf("manifest: %d parts; want 1 to %d", m.Parts, MaxParts)
	}
	return m, nil
}

// Unpack is the inverse of Pack; part reads the part of that number. It fails with ErrIncomplete when the parts are not all of
// the manifest's version.
func Unpack(encodedManifest []byte, part func(i int) ([]byte, error)) (*Document, error) {
	m, err := parseManifest(encodedManifest)
	if err != nil {
		return nil, err
	}
	var packed []byte
	for i := range m.Parts {
		data, err := part(i)
		if err != nil {
			return nil, fmt.Errorf("%w: part %d: %w", ErrIncomplete, i, err)
		}
		packed = append(packed, data...)
	}
	if sum := sha256.Sum256(packed); len(packed) != m.Size || hex.EncodeToString(sum[:]) != m.SHA256 {
		return nil, fmt.Errorf("%w: the parts are not those of version %s", ErrIncomplete, m.Version)
	}
	return inflate(packed)
}

func inflate(packed []byte) (*Document, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("inflate the document: %w", err)
	}
	encoded, err := io.ReadAll(io.LimitReader(reader, maxInflated+1))
	if err != nil {
		return nil, fmt.Errorf("inflate the document: %w", err)
	}
	if len(encoded) > maxInflated {
		return nil, fmt.Errorf("inflate the document: more than %d MiB", maxInflated>>20)
	}
	doc := &Document{}
	if err := json.Unmarshal(encoded, doc); err != nil {
		return nil, fmt.Errorf("decode the document: %w", err)
	}
	return doc, nil
}
