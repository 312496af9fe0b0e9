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

// world is everything that one reconciliation knows.
type world struct {
	source   *v1alpha1.Source
	now      time.Time
	mappings []*v1alpha1.ActionMapping
	compiled *compiled
	secrets  secrets
	tokens   tokens
	redis    render.RedisCredentials
	pods     []pod

	deployment  *appsv1.Deployment
	statefulSet *appsv1.StatefulSet
	gatewayAPI  bool // whether the cluster has it; asked where the Source wants a route
	route       *gatewayv1.HTTPRoute
	// changed are the kinds of which an object was just made another: what stands above is older.
	changed map[string]bool

	problems []*condition.Problem
}

// observe makes all the reads.
func (r *Reconciler) observe(ctx context.Context, source *v1alpha1.Source) (*world, error) {
	seen := &world{source: source, now: r.Now()}
	var err error
	if seen.mappings, err = r.mappings(ctx, source); err != nil {
		return nil, err
	}
	seen.compiled = r.Compile.source(source, seen.mappings)
	if err := r.observeSecrets(ctx, seen); err != nil {
		return nil, err
	}
	if seen.deployment, err = read[appsv1.Deployment](ctx, r.Client, deployments(), source, render.IngestName(source)); err != nil {
		return nil, err
	}
	if seen.statefulSet, err = read[appsv1.StatefulSet](ctx, r.Client, statefulSets(), source, render.RedisName(source)); err != nil {
		return nil, err
	}
	if source.Spec.Endpoint.HTTPRoute != nil {
		if err := r.observeRoute(ctx, seen); err != nil {
			return nil, err
		}
	}
	if seen.pods, err = r.observePods(ctx, source); err != nil {
		return nil, err
	}
	seen.tokens = seen.nextTokens(r.Token)
	return seen, nil
}

func (r *Reconciler) observeRoute(ctx context.Context, seen *world) error {
	var err error
	if seen.gatewayAPI, err = r.gateway.installed(); err != nil {
		return err
	}
	if !seen.gatewayAPI {
		seen.problems = append(seen.problems, &condition.Problem{
			Type: v1alpha1.ConditionEndpointReady, Reason: v1alpha1.ReasonGatewayAPINotInstalled, Stalled: true,
			Message: "spec.endpoint.httpRoute: the cluster has no HTTPRoute of gateway.networking.k8s.io/v1: " +
				"install the Gateway API, or give spec.endpoint.ingress instead",
		})
		return nil
	}
	seen.route, err = read[gatewayv1.HTTPRoute](ctx, r.Client, httpRouteKind(), seen.source, render.IngestName(seen.source))
	return err
}

func (r *Reconciler) mappings(ctx context.Context, source *v1alpha1.Source) ([]*v1alpha1.ActionMapping, error) {
	list := &v1alpha1.ActionMappingList{}
	err := r.Client.List(ctx, list, client.InNamespace(source.Namespace), client.MatchingFields{MappingSource: source.Name}, client.UnsafeDisableDeepCopy)
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

// read gets one of the Source's own objects from the cache, which holds them unstructured; nil when it is not there.
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
