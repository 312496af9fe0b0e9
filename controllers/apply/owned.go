// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
)

// metadataOnly reports whether the cache contains only the metadata of objects of this kind. Secrets and ConfigMaps can be large, and
// the cache must not hold the secrets of users.
func metadataOnly(kind schema.GroupVersionKind) bool {
	return kind.Group == "" && (kind.Kind == "Secret" || kind.Kind == "ConfigMap")
}

// get reads an object from the cache. It returns nil if the object does not exist.
func (a *Applier) get(ctx context.Context, at key) (*unstructured.Unstructured, error) {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(at.GroupVersionKind)
	if !metadataOnly(at.GroupVersionKind) {
		return nilIfNotFound(object, a.client.Get(ctx, at.ObjectKey, object), at)
	}
	partial := &metav1.PartialObjectMetadata{}
	partial.SetGroupVersionKind(at.GroupVersionKind)
	err := a.client.Get(ctx, at.ObjectKey, partial)
	return nilIfNotFound(fromMetadata(partial), err, at)
}

func nilIfNotFound(object *unstructured.Unstructured, err error, at key) (*unstructured.Unstructured, error) {
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", at, err)
	default:
		return object, nil
	}
}

func fromMetadata(partial *metav1.PartialObjectMetadata) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(partial.GroupVersionKind())
	object.SetName(partial.Name)
	object.SetNamespace(partial.Namespace)
	object.SetUID(partial.UID)
	object.SetResourceVersion(partial.ResourceVersion)
	object.SetLabels(partial.Labels)
	object.SetOwnerReferences(partial.OwnerReferences)
	return object
}

// checkNameIsFree returns a problem if an object with this name exists although the cache does not contain it. Such an object lacks
// Doorbell's labels, and a forced apply would take it over.
func (a *Applier) checkNameIsFree(ctx context.Context, t *target) error {
	live := &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(t.GroupVersionKind)
	if err := a.live.Get(ctx, t.ObjectKey, live); apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read %s: %w", t, err)
	}
	return t.checkOwner(fromMetadata(live))
}

// checkOwner returns a problem if the existing object does not belong to the Source. An object with the label of the Source and without
// an owner belongs to it: it is one of the objects that outlive a Source, kept for a Source of the same name.
func (t *target) checkOwner(existing *unstructured.Unstructured) error {
	labelled := existing.GetLabels()[v1alpha1.LabelSource] == t.source.Name
	owner := metav1.GetControllerOf(existing)
	switch {
	case owner != nil && owner.UID == t.source.UID, owner == nil && labelled:
		return nil
	case labelled && owner.Kind == "Source":
		return t.problem(v1alpha1.ReasonProgressing, false,
			"%s belongs to a deleted Source of the same name; waiting for the garbage collector to delete it", t)
	default:
		return t.problem(v1alpha1.ReasonNameConflict, true,
			"%s already exists and does not belong to Doorbell: delete or rename it, or choose another name for the Source", t)
	}
}
