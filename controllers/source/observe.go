// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
)

// observed is what one reconciliation read from the cluster.
type observed struct {
	source   *v1alpha1.Source
	now      time.Time
	mappings []*v1alpha1.ActionMapping
	secrets  secrets
	pods     []pod

	// The objects are nil if they do not exist.
	deployment  *appsv1.Deployment
	statefulSet *appsv1.StatefulSet
	route       *gatewayv1.HTTPRoute
	// gatewayAPI reports whether the cluster serves HTTPRoutes. It is false if the Source does not use an HTTPRoute.
	gatewayAPI bool

	// missing contains one problem for each object that the Source needs and that the cluster does not contain.
	missing []*condition.Problem
}

// observe makes all reads of a reconciliation.
func (r *Reconciler) observe(ctx context.Context, source *v1alpha1.Source) (*observed, error) {
	seen := &observed{source: source, now: r.Now()}
	var err error
	if seen.mappings, err = r.mappings(ctx, source); err != nil {
		return nil, err
	}
	if err := r.observeSecrets(ctx, seen); err != nil {
		return nil, err
	}
	if seen.deployment, err = read[appsv1.Deployment](ctx, r.Client, deploymentKind(), source, render.IngestName(source)); err != nil {
		return nil, err
	}
	if seen.statefulSet, err = read[appsv1.StatefulSet](ctx, r.Client, statefulSetKind(), source, render.RedisName(source)); err != nil {
		return nil, err
	}
	if source.Spec.Endpoint.HTTPRoute != nil {
		if err := r.observeRoute(ctx, seen); err != nil {
			return nil, err
		}
	}
	seen.pods, err = r.observePods(ctx, source)
	return seen, err
}

// observeRoute reads the HTTPRoute. A cluster without the Gateway API is a problem that a user has to resolve.
func (r *Reconciler) observeRoute(ctx context.Context, seen *observed) error {
	var err error
	if seen.gatewayAPI, err = r.gateway.installed(); err != nil {
		return err
	}
	if !seen.gatewayAPI {
		seen.missing = append(seen.missing, &condition.Problem{
			Type: v1alpha1.ConditionEndpointReady, Reason: v1alpha1.ReasonGatewayAPINotInstalled, Stalled: true,
			Message: "spec.endpoint.httpRoute: the cluster does not serve HTTPRoutes of gateway.networking.k8s.io/v1; " +
				"install the Gateway API, or set spec.endpoint.ingress instead",
		})
		return nil
	}
	seen.route, err = read[gatewayv1.HTTPRoute](ctx, r.Client, httpRouteKind(), seen.source, render.IngestName(seen.source))
	return err
}

// mappings returns the ActionMappings that refer to the Source and are not being deleted. The caller must not change them.
func (r *Reconciler) mappings(ctx context.Context, source *v1alpha1.Source) ([]*v1alpha1.ActionMapping, error) {
	list := &v1alpha1.ActionMappingList{}
	err := r.Client.List(ctx, list, client.InNamespace(source.Namespace), client.MatchingFields{mappingSource: source.Name}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list the mappings: %w", err)
	}
	mappings := make([]*v1alpha1.ActionMapping, 0, len(list.Items))
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp.IsZero() {
			mappings = append(mappings, &list.Items[i])
		}
	}
	return mappings, nil
}

// read returns one of the Source's own objects, or nil if it does not exist. It reads the unstructured object that the Applier compares
// as well, so that the cache contains each object once.
func read[T any](ctx context.Context, c client.Reader, kind schema.GroupVersionKind, source *v1alpha1.Source, name string) (*T, error) {
	object := newObject(kind)
	err := c.Get(ctx, client.ObjectKey{Namespace: source.Namespace, Name: name}, object)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind.Kind, name, err)
	}
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, typed); err != nil {
		return nil, fmt.Errorf("read %s %s: %w", kind.Kind, name, err)
	}
	return typed, nil
}
