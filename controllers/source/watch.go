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
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	kindsource "sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/podsecrets"
)

const (
	// MappingSource indexes ActionMappings by the name of their Source.
	MappingSource = "spec.sourceRef.name"
	// secretNames indexes Sources by the Secrets that they refer to.
	secretNames = "doorbell.secretNames"
)

// Setup registers the controller, its indexes and its watches.
func (r *Reconciler) Setup(ctx context.Context, mgr ctrl.Manager, options controller.Options) error {
	indexer := mgr.GetFieldIndexer()
	if err := indexer.IndexField(ctx, &v1alpha1.ActionMapping{}, MappingSource, sourceOf); err != nil {
		return err
	}
	if err := indexer.IndexField(ctx, &v1alpha1.Source{}, secretNames, secretsOf); err != nil {
		return err
	}
	build := ctrl.NewControllerManagedBy(mgr).Named("source").WithOptions(options).
		For(&v1alpha1.Source{}, builder.WithPredicates(predicate.Or(
			r.seen(), predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}))). // the first true one ends it
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
		r.Apply.Own(httpRouteKind())
		return nil
	}}
	_, err = r.gateway.installed() // what a former manager made is watched from the start
	return err
}

// seen forgets what was written of a Source once the cache has it, and all of one that is gone; it lets nothing through by itself.
func (r *Reconciler) seen() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			r.Reported.Seen(e.ObjectNew.GetUID(), e.ObjectNew.GetResourceVersion())
			return false
		},
		DeleteFunc: func(e event.DeleteEvent) bool {
			r.Board.Drop(client.ObjectKeyFromObject(e.Object))
			r.Compile.forget(e.Object.GetUID())
			r.Apply.Drop(e.Object.GetUID())
			r.Reported.Drop(e.Object.GetUID())
			return false
		},
	}
}

func sourceOf(object client.Object) []string {
	return []string{object.(*v1alpha1.ActionMapping).Spec.SourceRef.Name}
}

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

func fromMapping(_ context.Context, object client.Object) []reconcile.Request {
	return []reconcile.Request{request(object.GetNamespace(), object.(*v1alpha1.ActionMapping).Spec.SourceRef.Name)}
}

// fromLabel finds the Source of one of its own objects, kept ones included, which have no owner.
func fromLabel(_ context.Context, object client.Object) []reconcile.Request {
	if name := object.GetLabels()[v1alpha1.LabelSource]; name != "" {
		return []reconcile.Request{request(object.GetNamespace(), name)}
	}
	return nil
}

// fromSecret finds the Sources that refer to a Secret, and the one that owns it.
func (r *Reconciler) fromSecret(ctx context.Context, object client.Object) []reconcile.Request {
	requests := fromLabel(ctx, object)
	list := &v1alpha1.SourceList{}
	err := r.Client.List(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{secretNames: object.GetName()})
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot find the Sources of a Secret", "secret", object.GetName())
	}
	for _, source := range list.Items {
		requests = append(requests, request(source.Namespace, source.Name))
	}
	return requests
}
