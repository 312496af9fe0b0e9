// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

const (
	// certificates is where Go's programs, and most others, look for the authorities that they trust.
	certificates = "etc/ssl/certs/ca-certificates.crt"

	users  = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"
	groups = "root:x:0:\nnonroot:x:65532:\n"
)

// layerOf packs the programs of a folder, and the little that they need around them, always in the same way: by name,
// owned by root, with no time.
func layerOf(programs string) (v1.Layer, error) {
	var packed bytes.Buffer
	writer := tar.NewWriter(&packed)
	if err := pack(writer, programs); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed.Bytes())), nil
	})
}

func pack(writer *tar.Writer, programs string) error {
	for _, folder := range []string{"etc/", "etc/ssl/", "etc/ssl/certs/"} {
		if err := writer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder, Mode: 0o755}); err != nil {
			return err
		}
	}
	if err := writer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777}); err != nil {
		return err
	}
	for _, file := range []struct {
		name string
		text []byte
	}{
		{"etc/group", []byte(groups)},
		{"etc/passwd", []byte(users)},
		{certificates, authorities()},
	} {
		if err := add(writer, file.name, 0o644, file.text); err != nil {
			return err
		}
	}

	entries, err := os.ReadDir(programs) // sorted by name
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("%s holds no program", programs)
	}
	for _, entry := range entries {
		program, err := os.ReadFile(filepath.Join(programs, entry.Name())) //nolint:gosec // the builder's own folder
		if err != nil {
			return err
		}
		if err := add(writer, entry.Name(), 0o755, program); err != nil {
			return err
		}
	}
	return nil
}

func add(writer *tar.Writer, name string, mode int64, content []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(content))}
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	_, err := writer.Write(content)
	return err
}

// authorities returns Mozilla's root certificates, of the version that go.mod pins rather than what the building
// machine has. Left out are those that are trusted on conditions, which a file of certificates cannot tell.
func authorities() []byte {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			// A buffer takes whatever is written.
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return text.Bytes()
}
