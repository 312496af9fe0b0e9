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
	// waitTimeout bounds every wait.
	waitTimeout = 3 * time.Minute
	// pollInterval is the time between two checks of a wait.
	pollInterval = 200 * time.Millisecond
)

// install applies the manifest at path and waits until the manager is available.
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

// apply applies the objects in a stream of YAML documents. Objects without a namespace go into the given one.
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

// applyOne applies one object. It retries while the API server does not serve the kind, because its definition may have been
// applied just before.
func applyOne(ctx context.Context, object *unstructured.Unstructured) error {
	return poll(ctx, func(ctx context.Context) (bool, error) {
		err := cluster.Apply(ctx, client.ApplyConfigurationFromUnstructured(object.DeepCopy()), client.ForceOwnership)
		if meta.IsNoMatchError(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// poll waits until the condition holds, at most waitTimeout.
func poll(ctx context.Context, condition wait.ConditionWithContextFunc) error {
	return wait.PollUntilContextTimeout(ctx, pollInterval, waitTimeout, true, condition)
}

// eventually waits until check returns "". If that takes longer than waitTimeout, it fails the test with the last problem that check
// returned. what names the expected state in messages.
func eventually(t *testing.T, what string, check func(ctx context.Context) string) {
	t.Helper()
	start, problem := time.Now(), ""
	if err := poll(t.Context(), func(ctx context.Context) (bool, error) {
		problem = check(ctx)
		return problem == "", nil
	}); err != nil {
		t.Fatalf("waiting until %s: %v: %s", what, err, problem)
	}
	t.Logf("%s: after %s", what, time.Since(start).Round(pollInterval/2))
}

// conditionProblem describes how a condition of the Source differs from the wanted status and reason; "" if it does not. An empty
// reason matches every reason.
func conditionProblem(source *v1alpha1.Source, kind, status, reason string) string {
	c := meta.FindStatusCondition(source.Status.Conditions, kind)
	if c != nil && string(c.Status) == status && (reason == "" || c.Reason == reason) {
		return ""
	}
	return fmt.Sprintf("want %s=%s %s, got %+v", kind, status, reason, source.Status.Conditions)
}
