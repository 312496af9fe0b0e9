// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

func TestGatewayAPICanBeInstalledWhileTheManagerRuns(t *testing.T) {
	t.Cleanup(func() { removeGatewayAPI(t) }) // after the operator has stopped
	o := startOperator(t)
	s := newScene(t, o, 1)
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"endpoint":{"host":"e.example.com","httpRoute":{"parentRefs":[{"name":"public"}]}}}}`)
	s.await(v1alpha1.ConditionStalled, "True", v1alpha1.ReasonGatewayAPINotInstalled, "install the Gateway API")

	plane.Get(t).Apply(t, gatewayAPI)
	s.await(v1alpha1.ConditionEndpointReady, "False", v1alpha1.ReasonProgressing, "waiting for 1 of 1 Gateways")
	first := s.awaitRoute()
	s.accept(first)
	s.awaitReady()
	s.remove(route(), first.GetName())
	s.eventually("a deleted route is restored", func() string {
		if again := route(); !s.get(again, first.GetName()) || again.GetUID() == first.GetUID() {
			return "not yet"
		}
		return ""
	})
	s.patch(&v1alpha1.Source{}, "shop", `{"spec":{"endpoint":{"httpRoute":null}}}`)
	s.eventually("a route that the Source no longer wants is deleted", func() string {
		if s.get(route(), first.GetName()) {
			return "it still exists"
		}
		return ""
	})
	s.awaitReady()
}

// gatewayAPI is the CustomResourceDefinition of HTTPRoutes.
const gatewayAPI = "render/testdata/httproute.crd.yaml"

func route() *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"})
	return object
}

func (s *scene) awaitRoute() *unstructured.Unstructured {
	s.t.Helper()
	object := route()
	s.eventually("the route exists", func() string {
		if !s.get(object, "shop-ingest") {
			return "not found"
		}
		return ""
	})
	return object
}

// accept writes the status that a Gateway writes when it accepts a route.
func (s *scene) accept(route *unstructured.Unstructured) {
	s.t.Helper()
	accepted := fmt.Sprintf(`{"status":{"parents":[{"controllerName":"example.com/gateway","parentRef":{"name":"public"},"conditions":[
		{"type":"Accepted","status":"True","reason":"Accepted","message":"","observedGeneration":%d,"lastTransitionTime":"2026-01-01T00:00:00Z"},
		{"type":"ResolvedRefs","status":"True","reason":"ResolvedRefs","message":"","observedGeneration":%[1]d,"lastTransitionTime":"2026-01-01T00:00:00Z"}]}]}}`,
		route.GetGeneration())
	if err := s.Status().Patch(s.t.Context(), route, client.RawPatch(types.MergePatchType, []byte(accepted))); err != nil {
		s.t.Fatal(err)
	}
}

// removeGatewayAPI deletes the definition, because other tests need a cluster without it.
func removeGatewayAPI(t *testing.T) {
	admin, err := client.New(plane.Get(t).Config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	definition := &unstructured.Unstructured{}
	definition.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	definition.SetName("httproutes.gateway.networking.k8s.io")
	err = wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), pollInterval, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := admin.Delete(ctx, definition)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
	if err != nil {
		t.Errorf("remove the Gateway API: %v", err)
	}
}
