// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"os"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/test/manifest"
)

// Apply applies the manifests in the files, as an administrator who installs Doorbell does.
func (p *ControlPlane) Apply(tb testing.TB, paths ...string) {
	tb.Helper()
	admin, err := client.New(p.Config, client.Options{FieldOwner: "test"})
	if err != nil {
		tb.Fatalf("controlplane: %v", err)
	}
	for _, path := range paths {
		stream, err := os.ReadFile(path) //nolint:gosec // the test chooses a file of the repository
		if err != nil {
			tb.Fatalf("controlplane: %v", err)
		}
		objects, err := manifest.Objects(stream)
		if err != nil {
			tb.Fatalf("controlplane: %s: %v", path, err)
		}
		for _, object := range objects {
			if err := admin.Apply(tb.Context(), client.ApplyConfigurationFromUnstructured(object), client.ForceOwnership); err != nil {
				tb.Fatalf("controlplane: %s: %v", path, err)
			}
		}
	}
}
