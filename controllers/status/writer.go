// SPDX-License-Identifier: Apache-2.0

package status

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
)

// Writer writes the status of the resources of one kind. It is safe for concurrent use.
type Writer[Status any] struct {
	client client.StatusClient
	cache  *cache[Status]
}

// NewWriter returns a Writer. The field owner of the client is the field manager of the status.
func NewWriter[Status any](c client.StatusClient) *Writer[Status] {
	return &Writer[Status]{client: c, cache: newCache[Status]()}
}

// Latest returns the latest known status of a resource: the observed one, or the one that the Writer wrote since.
func (w *Writer[Status]) Latest(resource client.Object, observed Status) Status {
	return w.cache.latest(resource.GetUID(), resource.GetResourceVersion(), observed)
}

// Write applies a new status by server-side apply and reports whether it did. It does nothing if the new status equals the current one,
// which must be the result of Latest. The configuration is the apply configuration of the resource with the new status, and metadata
// is its metadata; it must contain the UID, so that a status is never written to a later resource of the same name. If the resource
// no longer exists, Write returns false and no error.
func (w *Writer[Status]) Write(
	ctx context.Context, current, status Status, configuration runtime.ApplyConfiguration, metadata *metav1ac.ObjectMetaApplyConfiguration,
) (bool, error) {
	if equality.Semantic.DeepEqual(status, current) {
		return false, nil
	}
	err := w.client.Status().Apply(ctx, configuration, client.ForceOwnership)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // a forced apply conflicts only if the UID is another one
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write the status: %w", err)
	}
	if metadata.ResourceVersion != nil { // filled from the API server's response
		w.cache.store(*metadata.UID, *metadata.ResourceVersion, status)
	}
	return true, nil
}

// Forget removes the cached status of a resource that no longer exists.
func (w *Writer[Status]) Forget(uid types.UID) { w.cache.remove(uid) }

// Predicate returns a predicate that rejects every event. From the events, the Writer learns which versions the client's cache
// has. If a resource is deleted, the predicate also calls the given function, unless that is nil.
func (w *Writer[Status]) Predicate(deleted func(client.Object)) predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			w.cache.observed(e.ObjectNew.GetUID(), e.ObjectNew.GetResourceVersion())
			return false
		},
		DeleteFunc: func(e event.DeleteEvent) bool {
			w.Forget(e.Object.GetUID())
			if deleted != nil {
				deleted(e.Object)
			}
			return false
		},
	}
}
