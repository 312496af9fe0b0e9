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
	// maxPart is the maximum size of a part in bytes. A ConfigMap encodes a part in Base64, which makes it a third
	// larger, and a Kubernetes object can have at most 1 MiB including its metadata.
	maxPart = 700 << 10
	// MaxParts is the maximum number of parts of a document.
	MaxParts = 8
	// maxInflated is the maximum size of a decompressed document in bytes.
	maxInflated = 256 << 20
)

// ErrIncomplete means that a part is missing or does not belong to the manifest. Usually another process is writing a
// new version at the moment, and the caller should read again later.
var ErrIncomplete = errors.New("incomplete version")

// Bundle is a document in the form in which the operator sends it to the pods: compressed and split into parts.
// Kubernetes cannot update several ConfigMaps at once, so a reader uses the manifest to check that all parts belong to
// the same version.
type Bundle struct {
	// Version is the version of the document.
	Version string
	// Manifest is JSON. It contains the version, the number of parts, and the size and hash of all parts together.
	Manifest []byte
	// Parts are the parts in order. Each part fits into one ConfigMap.
	Parts [][]byte
}

// manifest is the JSON of Bundle.Manifest.
type manifest struct {
	Version string `json:"version"`
	Parts   int    `json:"parts"`
	Size    int    `json:"size"`
	SHA256  string `json:"sha256"`
}

// Pack compresses a document and splits it into parts. Equal documents result in equal bundles. It fails if the
// document does not fit into MaxParts parts.
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
	if err := checkSize(doc, len(encoded), packed.Len()); err != nil {
		return Bundle{}, err
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

// checkSize returns an error if the encoded document is too large, before or after compression.
func checkSize(doc *Document, encoded, packed int) error {
	const message = "the configuration with %d mappings is too large: it has %d KiB %s, and the maximum is %d KiB; " +
		"spread the mappings over several Sources"
	switch {
	case packed > maxPart*MaxParts:
		return fmt.Errorf(message, len(doc.Mappings), packed>>10, "compressed", maxPart*MaxParts>>10)
	case encoded > maxInflated:
		return fmt.Errorf(message, len(doc.Mappings), encoded>>10, "uncompressed", maxInflated>>10)
	default:
		return nil
	}
}

// ManifestVersion returns the version in a manifest, which the writer of the document computed. A reader must not
// compute the version again, because another release of Doorbell may have other fields and compute another version.
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
		return manifest{}, fmt.Errorf("manifest: invalid number of parts %d: must be 1 to %d", m.Parts, MaxParts)
	}
	return m, nil
}

// Unpack is the inverse of Pack. The function part returns the part with the given number, counted from 0. Unpack
// returns ErrIncomplete if a part is missing or belongs to another version than the manifest.
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
		return nil, fmt.Errorf("%w: the parts do not belong to version %s", ErrIncomplete, m.Version)
	}
	return inflate(packed)
}

func inflate(packed []byte) (*Document, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("decompress the document: %w", err)
	}
	encoded, err := io.ReadAll(io.LimitReader(reader, maxInflated+1))
	if err != nil {
		return nil, fmt.Errorf("decompress the document: %w", err)
	}
	if len(encoded) > maxInflated {
		return nil, fmt.Errorf("decompress the document: it has more than %d MiB", maxInflated>>20)
	}
	doc := &Document{}
	if err := json.Unmarshal(encoded, doc); err != nil {
		return nil, fmt.Errorf("decode the document: %w", err)
	}
	return doc, nil
}
