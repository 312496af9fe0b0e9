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
	// certificates is the file from which Go programs, and most others, read the certificate authorities that they trust.
	certificates = "etc/ssl/certs/ca-certificates.crt"

	users  = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"
	groups = "root:x:0:\nnonroot:x:65532:\n"
)

// layerOf returns a layer with the programs in a directory and the few files that they need. The files are sorted by name, belong
// to root and have no modification time, so that the same programs always give the same bytes.
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
	for _, directory := range []string{"etc/", "etc/ssl/", "etc/ssl/certs/"} {
		if err := writer.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: directory, Mode: 0o755}); err != nil {
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

	entries, err := os.ReadDir(programs) // ReadDir sorts by name
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		return fmt.Errorf("no programs in %s", programs)
	}
	for _, entry := range entries {
		program, err := os.ReadFile(filepath.Join(programs, entry.Name())) //nolint:gosec // the caller of this tool chooses the directory
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

// authorities returns Mozilla's root certificates in PEM. They come from the module that go.mod pins, not from the machine that
// builds, so that every machine builds the same image. A root with a constraint is left out, because a PEM file cannot express the
// constraint.
func authorities() []byte {
	var text bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a write to a buffer cannot fail
		}
	}
	return text.Bytes()
}
