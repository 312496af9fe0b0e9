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
	"github.com/doorbell-dev/doorbell/controllers/condition"
)

// metadataOnly says of which kinds the cache holds the metadata only.
func metadataOnly(kind schema.GroupVersionKind) bool {
	return kind.Group == "" && (kind.Kind == "Secret" || kind.Kind == "ConfigMap")
}

// get reads the object from the cache; nil when it is not there.
func (a *Applier) get(ctx context.Context, at key) (*unstructured.Unstructured, error) {
	if !metadataOnly(at.GroupVersionKind) {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(at.GroupVersionKind)
		return found(object, a.client.Get(ctx, at.ObjectKey, object), at)
	}
	partial := &metav1.PartialObjectMetadata{}
	partial.SetGroupVersionKind(at.GroupVersionKind)
	err := a.client.Get(ctx, at.ObjectKey, partial)
	return found(fromMetadata(partial), err, at)
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

func found(object *unstructured.Unstructured, err error, at key) (*unstructured.Unstructured, error) {
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name(at), err)
	default:
		return object, nil
	}
}

// vacant refuses a name that somebody else's object has: it lacks our labels, so the cache does not show it.
func (a *Applier) vacant(ctx context.Context, source *v1alpha1.Source, at key) error {
	live := &metav1.PartialObjectMetadata{}
	live.SetGroupVersionKind(at.GroupVersionKind)
	if err := a.live.Get(ctx, at.ObjectKey, live); apierrors.IsNotFound(err) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read %s: %w", name(at), err)
	}
	return owned(source, at, fromMetadata(live))
}

// owned refuses an object that is not the Source's.
func owned(source *v1alpha1.Source, at key, seen *unstructured.Unstructured) error {
	ours := seen.GetLabels()[v1alpha1.LabelSource] == source.Name
	owner := metav1.GetControllerOf(seen)
	switch {
	case owner != nil && owner.UID == source.UID:
		return nil
	case owner == nil && ours:
		return nil // kept from a former Source of this name
	case ours && owner.Kind == "Source":
		return &condition.Problem{
			Type: conditionOf(at.Kind), Reason: v1alpha1.ReasonProgressing,
			Message: fmt.Sprintf("%s belongs to a deleted Source of the same name; waiting until it is gone", name(at)),
		}
	default:
		return &condition.Problem{
			Type: conditionOf(at.Kind), Reason: v1alpha1.ReasonNameConflict, Stalled: true,
			Message: fmt.Sprintf("%s exists and is not Doorbell's: delete or rename it, or choose another name for the Source", name(at)),
		}
	}
}
