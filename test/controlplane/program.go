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

// assets is the environment variable with a directory that contains etcd and kube-apiserver. It is the variable that
// setup-envtest uses.
const assets = "KUBEBUILDER_ASSETS"

// programs returns the directory with etcd and kube-apiserver. It builds them if they are missing.
func programs(ctx context.Context) (string, error) {
	if directory := os.Getenv(assets); directory != "" {
		return directory, nil
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	script := filepath.Join(root, "hack", "testenv.sh")
	command := exec.CommandContext(ctx, script) //nolint:gosec // our own script
	command.Stderr = os.Stderr                  // the script reports its progress there
	directory, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w; alternatively, set %s to a directory that contains etcd and kube-apiserver", script, err, assets)
	}
	return strings.TrimSpace(string(directory)), nil
}

// repository returns the directory of go.mod: the working directory of the test, or the nearest one above it.
func repository() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := start; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.mod in %s or above it; run the tests inside the repository", start)
		}
	}
}

// definitions returns the CustomResourceDefinitions of Doorbell.
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
