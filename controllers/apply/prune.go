// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// prune deletes the objects that the Source controls and no longer wants.
//
// The list comes from the cache, which can be out of date. Each deletion therefore requires the UID that was listed: if someone deleted
// the object and created another one of the same name meanwhile, the API server rejects the request instead of deleting the new object.
func (a *Applier) prune(ctx context.Context, source *v1alpha1.Source, wanted func(key) bool) error {
	for _, kind := range a.written.ownedKinds() {
		items, err := a.list(ctx, source, kind)
		if err != nil {
			return err
		}
		for _, object := range items {
			at := key{kind, client.ObjectKeyFromObject(object)}
			if wanted(at) || !metav1.IsControlledBy(object, source) || object.GetDeletionTimestamp() != nil {
				continue
			}
			uid := object.GetUID()
			err := a.client.Delete(ctx, object, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
			if client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("delete %s: %w", at, err)
			}
			a.written.remove(at)
		}
	}
	return nil
}

// list returns the objects of a kind that have the label of the Source, from the cache.
func (a *Applier) list(ctx context.Context, source *v1alpha1.Source, kind schema.GroupVersionKind) ([]client.Object, error) {
	options := []client.ListOption{client.InNamespace(source.Namespace), client.MatchingLabels{v1alpha1.LabelSource: source.Name}}
	var objects []client.Object
	if metadataOnly(kind) {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		if err := a.client.List(ctx, list, options...); err != nil {
			return nil, fmt.Errorf("list %s: %w", kind.Kind, err)
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(kind)
			objects = append(objects, &list.Items[i])
		}
		return objects, nil
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	if err := a.client.List(ctx, list, options...); err != nil {
		return nil, fmt.Errorf("list %s: %w", kind.Kind, err)
	}
	for i := range list.Items {
		objects = append(objects, &list.Items[i])
	}
	return objects, nil
}

// Annotate sets one annotation of an existing object and changes nothing else. It does nothing if the object no longer exists: a patch
// with the UID does not create an object.
func (a *Applier) Annotate(ctx context.Context, object client.Object, kind schema.GroupVersionKind, annotation, value string) error {
	patch := &unstructured.Unstructured{}
	patch.SetGroupVersionKind(kind)
	patch.SetName(object.GetName())
	patch.SetNamespace(object.GetNamespace())
	patch.SetUID(object.GetUID())
	patch.SetAnnotations(map[string]string{annotation: value})
	err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(patch), client.ForceOwnership)
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return fmt.Errorf("annotate %s %s: %w", kind.Kind, object.GetName(), err)
}
