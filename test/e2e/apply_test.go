// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/test/manifest"
)

const (
	// patience bounds every wait.
	patience = 3 * time.Minute
	// lookEvery is how often a wait looks.
	lookEvery = 200 * time.Millisecond
)

// install applies the manifest and waits for the operator.
func install(ctx context.Context, path string) error {
	stream, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("DOORBELL_E2E_MANIFEST: %w", err)
	}
	if err := apply(ctx, "", string(stream)); err != nil {
		return err
	}
	return poll(ctx, func(ctx context.Context) (bool, error) {
		deployment := &appsv1.Deployment{}
		err := cluster.Get(ctx, client.ObjectKey{Namespace: "doorbell-system", Name: "doorbell-manager"}, deployment)
		return err == nil && deployment.Status.AvailableReplicas > 0 && deployment.Status.UpdatedReplicas == *deployment.Spec.Replicas, nil
	})
}

// apply applies a stream of YAML documents, into the namespace where they name none.
func apply(ctx context.Context, namespace, stream string) error {
	objects, err := manifest.Objects([]byte(stream))
	if err != nil {
		return err
	}
	for _, object := range objects {
		if namespace != "" && object.GetNamespace() == "" && object.GetKind() != "Namespace" {
			object.SetNamespace(namespace)
		}
		if err := applyOne(ctx, object); err != nil {
			return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// applyOne goes on until a kind whose definition was just applied is served.
func applyOne(ctx context.Context, object *unstructured.Unstructured) error {
	return poll(ctx, func(ctx context.Context) (bool, error) {
		err := cluster.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.ForceOwnership)
		if meta.IsNoMatchError(err) {
			return false, nil
		}
		return err == nil, err
	})
}

func poll(ctx context.Context, condition wait.ConditionWithContextFunc) error {
	return wait.PollUntilContextTimeout(ctx, lookEvery, patience, true, condition)
}

// eventually waits until the function returns "", and fails with what it returned last.
func eventually(t *testing.T, what string, look func(ctx context.Context) string) {
	t.Helper()
	start, missing := time.Now(), ""
	if err := poll(t.Context(), func(ctx context.Context) (bool, error) {
		missing = look(ctx)
		return missing == "", nil
	}); err != nil {
		t.Fatalf("%s: %v: %s", what, err, missing)
	}
	t.Logf("%s after %s", what, time.Since(start).Round(lookEvery/2))
}

// is says what a Source lacks of a condition; "" when it has it.
func is(source *v1alpha1.Source, kind, status, reason string) string {
	c := meta.FindStatusCondition(source.Status.Conditions, kind)
	if c != nil && string(c.Status) == status && (reason == "" || c.Reason == reason) {
		return ""
	}
	return fmt.Sprintf("want %s=%s %s, got %+v", kind, status, reason, source.Status.Conditions)
}
