// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const tag = "registry.example/doorbell:v1"

func TestBuildIsReproducible(t *testing.T) {
	one, other := readFile(t, archive(t)), readFile(t, archive(t))
	if !bytes.Equal(one, other) {
		t.Error("two archives of the same programs differ")
	}
}

func TestImageRunsAsUnprivilegedUser(t *testing.T) {
	image, err := tarball.ImageFromPath(archive(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Architecture != "arm64" || config.Config.User != user || config.Config.Entrypoint != nil {
		t.Errorf("got architecture %s, entry point %v, user %q; want arm64, none, %q",
			config.Architecture, config.Config.Entrypoint, config.Config.User, user)
	}
	if got := config.Config.Labels["org.opencontainers.image.version"]; got != "v1" {
		t.Errorf("got version label %q; want v1", got)
	}
}

func TestLayerContainsProgramsUsersAndCertificates(t *testing.T) {
	files := layerFiles(t, archive(t))
	if got := string(files["ingest"]); got != "program" {
		t.Errorf("got /ingest with content %q; want program", got)
	}
	if _, found := files["etc/passwd"]; !found {
		t.Error("the layer has no /etc/passwd")
	}
	if !x509.NewCertPool().AppendCertsFromPEM(files[certificates]) {
		t.Errorf("/%s contains no certificate", certificates)
	}
}

func TestDirectoryWithoutProgramsIsAnError(t *testing.T) {
	if err := run([]string{"-name", tag, "-programs", t.TempDir(), "-output", filepath.Join(t.TempDir(), "a")}); err == nil {
		t.Error("got no error; want one for a directory without programs")
	}
}

// archive writes an image archive with a single program and returns its path.
func archive(t *testing.T) string {
	t.Helper()
	programs := t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, "ingest"), []byte("program"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	err := run([]string{"-name", tag, "-programs", programs, "-output", path, "-architecture", "arm64", "-version", "v1"})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func layerFiles(t *testing.T, path string) map[string][]byte {
	t.Helper()
	image, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	content, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()

	files := map[string][]byte{}
	for reader := tar.NewReader(content); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
