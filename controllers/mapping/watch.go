// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"context"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// Setup registers the controller and its watches with the manager.
func (r *Reconciler) Setup(mgr ctrl.Manager, options controller.Options) error {
	// Or stops at the first predicate that is true, so the one of the status writer, which must see every event, comes first.
	changed := predicate.Or(r.Status.Predicate(nil), predicate.GenerationChangedPredicate{})
	// An update of a Source matters only through the results in the store, which enqueues the mappings itself.
	createdOrDeleted := predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }}
	return ctrl.NewControllerManagedBy(mgr).Named("actionmapping").WithOptions(options).
		For(&v1alpha1.ActionMapping{}, builder.WithPredicates(changed)).
		Watches(&v1alpha1.Source{}, handler.EnqueueRequestsFromMapFunc(r.affectedBySource), builder.WithPredicates(createdOrDeleted)).
		WatchesRawSource(source.Func(r.enqueueChangedResults)).
		Complete(reconcile.AsReconciler(r.Client, r))
}

// enqueueChangedResults makes the store enqueue each mapping whose result changes.
func (r *Reconciler) enqueueChangedResults(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	r.Results.Subscribe(func(mapping types.NamespacedName) { queue.Add(reconcile.Request{NamespacedName: mapping}) })
	return nil
}

// affectedBySource returns the mappings whose status depends on whether the Source exists: the mappings that refer to it, and the
// mappings that refer to no existing Source, since their message lists the Sources of the namespace.
func (r *Reconciler) affectedBySource(ctx context.Context, object client.Object) []reconcile.Request {
	list := &v1alpha1.ActionMappingList{}
	if err := r.Client.List(ctx, list, client.InNamespace(object.GetNamespace()), client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Cannot list the ActionMappings of a Source", "source", object.GetName())
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if m := &list.Items[i]; m.Spec.SourceRef.Name == object.GetName() || lacksSource(m) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(m)})
		}
	}
	return requests
}

// lacksSource reports whether the status of a mapping says that its Source does not exist.
func lacksSource(mapping *v1alpha1.ActionMapping) bool {
	ready := meta.FindStatusCondition(mapping.Status.Conditions, v1alpha1.ConditionReady)
	return ready != nil && ready.Reason == v1alpha1.ReasonSourceNotFound
}
