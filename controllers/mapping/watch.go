// SPDX-License-Identifier: Apache-2.0

package mapping

import (
	"context"

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

// Setup registers the controller. bySource is the index of mappings by the name of their Source.
func (r *Reconciler) Setup(mgr ctrl.Manager, bySource string, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).Named("actionmapping").WithOptions(options).
		For(&v1alpha1.ActionMapping{}, builder.WithPredicates(predicate.Or(r.seen(), predicate.GenerationChangedPredicate{}))).
		Watches(&v1alpha1.Source{}, handler.EnqueueRequestsFromMapFunc(r.ofSource(bySource)), builder.WithPredicates(predicate.Funcs{
			UpdateFunc: func(event.UpdateEvent) bool { return false }, // the board tells what a change of a Source comes to
		})).
		WatchesRawSource(source.Func(r.ofBoard)).
		Complete(reconcile.AsReconciler(r.Client, r))
}

// seen forgets what was written of a mapping once the cache has it, or the mapping is gone; it lets nothing through by itself.
func (r *Reconciler) seen() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			r.Reported.Seen(e.ObjectNew.GetUID(), e.ObjectNew.GetResourceVersion())
			return false
		},
		DeleteFunc: func(e event.DeleteEvent) bool {
			r.Reported.Drop(e.Object.GetUID())
			return false
		},
	}
}

// ofBoard has every changed verdict looked at.
func (r *Reconciler) ofBoard(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	r.Board.Notify(func(mapping types.NamespacedName) { queue.Add(reconcile.Request{NamespacedName: mapping}) })
	return nil
}

// ofSource finds the mappings of a Source that came or went.
func (r *Reconciler) ofSource(index string) handler.MapFunc {
	return func(ctx context.Context, object client.Object) []reconcile.Request {
		list := &v1alpha1.ActionMappingList{}
		err := r.Client.List(ctx, list, client.InNamespace(object.GetNamespace()), client.MatchingFields{index: object.GetName()})
		if err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "cannot find the mappings of a Source", "source", object.GetName())
		}
		requests := make([]reconcile.Request, len(list.Items))
		for i := range list.Items {
			requests[i] = reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])}
		}
		return requests
	}
}
