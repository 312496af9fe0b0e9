// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	kindsource "sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/podsecrets"
)

const (
	// mappingSource is the index of ActionMappings by the name of their Source.
	mappingSource = "spec.sourceRef.name"
	// secretNames is the index of Sources by the names of the Secrets that they refer to.
	secretNames = "doorbell.secretNames"
)

// Setup registers the controller, its indexes and its watches with the manager.
func (r *Reconciler) Setup(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	indexer := mgr.GetFieldIndexer()
	if err := indexer.IndexField(ctx, &v1alpha1.ActionMapping{}, mappingSource, sourceOf); err != nil {
		return err
	}
	if err := indexer.IndexField(ctx, &v1alpha1.Source{}, secretNames, secretsOf); err != nil {
		return err
	}
	// Or stops at the first predicate that is true, so the one of the status writer, which must see every event, comes first.
	changed := predicate.Or(r.Status.Predicate(r.forget), predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	build := ctrl.NewControllerManagedBy(mgr).Named("source").WithOptions(options).
		For(&v1alpha1.Source{}, builder.WithPredicates(changed)).
		Watches(&v1alpha1.ActionMapping{}, handler.EnqueueRequestsFromMapFunc(fromMapping), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.fromSecret)).
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(fromLabel)).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(fromLabel))
	for _, kind := range cachedKinds() {
		build = build.Watches(newObject(kind), handler.EnqueueRequestsFromMapFunc(fromLabel))
	}
	built, err := build.Build(reconcile.AsReconciler(r.Client, r))
	if err != nil {
		return err
	}
	r.gateway = &gatewayAPI{mapper: mgr.GetRESTMapper(), watch: func() error {
		routes := kindsource.Kind[client.Object](mgr.GetCache(), newObject(httpRouteKind()), handler.EnqueueRequestsFromMapFunc(fromLabel))
		if err := built.Watch(routes); err != nil {
			return err
		}
		r.Applier.AddKind(httpRouteKind())
		return nil
	}}
	_, err = r.gateway.installed() // an HTTPRoute that an earlier manager created must be watched from the start
	return err
}

// forget drops everything that is held in memory about a deleted Source.
func (r *Reconciler) forget(source client.Object) {
	r.Results.Delete(client.ObjectKeyFromObject(source))
	r.Compiler.forget(source.GetUID())
	r.Applier.Forget(source.GetUID())
}

// sourceOf returns the index value of an ActionMapping: the name of its Source.
func sourceOf(object client.Object) []string {
	return []string{object.(*v1alpha1.ActionMapping).Spec.SourceRef.Name}
}

// secretsOf returns the index values of a Source: the names of the Secrets that it refers to.
func secretsOf(object client.Object) []string {
	var names []string
	for _, secret := range podsecrets.Of(object.(*v1alpha1.Source)) {
		names = append(names, secret.Ref.Name)
	}
	return names
}

func request(namespace, name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

// fromMapping returns the Source that an ActionMapping refers to.
func fromMapping(_ context.Context, object client.Object) []reconcile.Request {
	return []reconcile.Request{request(object.GetNamespace(), object.(*v1alpha1.ActionMapping).Spec.SourceRef.Name)}
}

// fromLabel returns the Source that an object belongs to. It uses the label, because objects that outlive a Source have no owner.
func fromLabel(_ context.Context, object client.Object) []reconcile.Request {
	if name := object.GetLabels()[v1alpha1.LabelSource]; name != "" {
		return []reconcile.Request{request(object.GetNamespace(), name)}
	}
	return nil
}

// fromSecret returns the Sources that refer to a Secret, and the Source that it belongs to.
func (r *Reconciler) fromSecret(ctx context.Context, object client.Object) []reconcile.Request {
	requests := fromLabel(ctx, object)
	list := &v1alpha1.SourceList{}
	err := r.Client.List(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{secretNames: object.GetName()})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot list the Sources that refer to a Secret", "secret", object.GetName())
	}
	for _, source := range list.Items {
		requests = append(requests, request(source.Namespace, source.Name))
	}
	return requests
}
