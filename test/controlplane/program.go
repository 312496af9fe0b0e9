// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/config/crd"
)

// assets names a folder that holds etcd and kube-apiserver already, as setup-envtest has it.
const assets = "KUBEBUILDER_ASSETS"

// programs returns the folder that holds etcd and kube-apiserver, and builds what is missing there.
func programs(ctx context.Context) (string, error) {
	if folder := os.Getenv(assets); folder != "" {
		return folder, nil
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	script := filepath.Join(root, "hack", "testenv.sh")
	command := exec.CommandContext(ctx, script) //nolint:gosec // our own script
	command.Stderr = os.Stderr                  // it tells why this takes minutes
	folder, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w; %s may name a folder that holds etcd and kube-apiserver", script, err, assets)
	}
	return strings.TrimSpace(string(folder)), nil
}

// repository finds the folder of our go.mod above the one that the test runs in.
func repository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := folder; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.mod in %s or above it: run the tests in a copy of the repository", folder)
		}
	}
}

// definitions reads our CustomResourceDefinitions.
func definitions() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	names, err := fs.Glob(crd.Manifests(), "*.yaml")
	if err != nil {
		return nil, err
	}
	var read []*apiextensionsv1.CustomResourceDefinition
	for _, name := range names {
		text, err := fs.ReadFile(crd.Manifests(), name)
		if err != nil {
			return nil, err
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(text, definition); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		read = append(read, definition)
	}
	return read, nil
}
