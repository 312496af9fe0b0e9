// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/doorbell-dev/doorbell/controllers/render"
	"github.com/doorbell-dev/doorbell/test/controlplane"
)

var plane controlplane.Shared

func TestMain(m *testing.M) { os.Exit(plane.Main(m)) }

// patience is how long the API server can take to serve a new kind.
const patience = time.Minute

func TestAPIServerAcceptsEveryRenderedObject(t *testing.T) {
	ctx := t.Context()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, gatewayv1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	c, err := client.New(plane.Get(t).Config, client.Options{Scheme: scheme, FieldOwner: "doorbell", FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		t.Fatal(err)
	}
	crd := &unstructured.Unstructured{}
	data, err := os.ReadFile(filepath.Join("testdata", "httproute.crd.yaml"))
	if err == nil {
		err = yaml.Unmarshal(data, &crd.Object)
	}
	if err == nil {
		err = c.Create(ctx, crd)
	}
	if err == nil {
		err = c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "production", Labels: map[string]string{
			"pod-security.kubernetes.io/enforce": "restricted",
		}}})
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			for _, object := range render.Source(input(t, name)) {
				err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
					err := c.Apply(ctx, object, client.ForceOwnership, client.DryRunAll)
					if meta.IsNoMatchError(err) {
						return false, nil // the API server does not serve the new kind yet
					}
					return true, err
				})
				if err != nil {
					t.Errorf("%v", err)
				}
			}
		})
	}
}
