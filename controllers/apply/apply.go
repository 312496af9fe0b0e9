// SPDX-License-Identifier: Apache-2.0

// Package apply writes what a Source owns: server-side apply with one field manager, and nothing when nothing changed. It is the
// only writer of those objects.
package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
)

// Applier applies the objects of Sources. It remembers what it wrote, so that it does not write it again.
type Applier struct {
	client client.Client // with a field owner
	live   client.Reader
	seed   maphash.Seed

	mu      sync.Mutex
	kinds   []schema.GroupVersionKind
	written map[key]record
}

type key struct {
	schema.GroupVersionKind
	client.ObjectKey
}

// record is what an object was made from, and its resource version after that.
type record struct {
	source  types.UID
	hash    uint64
	version string
}

// New returns an Applier for objects of these kinds. The client's field owner is the field manager; live reads past the cache,
// where an object that lacks our labels would be invisible.
func New(c client.Client, live client.Reader, kinds []schema.GroupVersionKind) *Applier {
	return &Applier{client: c, live: live, kinds: kinds, seed: maphash.MakeSeed(), written: map[key]record{}}
}

// Own adds a kind to those that Sources may own.
func (a *Applier) Own(kind schema.GroupVersionKind) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kinds = append(slices.Clone(a.kinds), kind)
}

func (a *Applier) owns() []schema.GroupVersionKind {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.kinds
}

// Set makes the objects of the Source those of the set: applies each that differs, and deletes what the Source owns and the
// set no longer holds. It returns the kinds of which an object became another: what was read of those before is stale. An object
// that cannot be applied is told as a *condition.Problem, and the others are applied all the same.
func (a *Applier) Set(ctx context.Context, source *v1alpha1.Source, set []runtime.ApplyConfiguration) (changed map[string]bool, err error) {
	var failed []error
	changed = map[string]bool{}
	wanted := make(map[key]bool, len(set))
	for _, configuration := range set {
		object, encoded, err := decode(configuration)
		if err != nil {
			return changed, err
		}
		at := key{object.GroupVersionKind(), client.ObjectKeyFromObject(object)}
		wanted[at] = true
		written, err := a.apply(ctx, source, at, object, encoded)
		if err != nil {
			failed = append(failed, err)
		}
		changed[at.Kind] = changed[at.Kind] || written
	}
	if len(failed) == 0 {
		failed = append(failed, a.prune(ctx, source, wanted))
	}
	return changed, errors.Join(failed...)
}

func (a *Applier) apply(ctx context.Context, source *v1alpha1.Source, at key, object *unstructured.Unstructured, encoded []byte) (changed bool, err error) {
	hash := maphash.Bytes(a.seed, encoded)
	seen, err := a.get(ctx, at)
	if err != nil {
		return false, err
	}
	if seen == nil {
		err = a.vacant(ctx, source, at)
	} else {
		err = owned(source, at, seen)
	}
	if err != nil {
		return false, err
	}
	if seen != nil {
		if written, old := a.compare(at, hash, object, seen); written {
			return old, nil
		}
	}
	if err := a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.ForceOwnership); err != nil {
		if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			return false, nil // the Source goes too
		}
		if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
			return false, &condition.Problem{Type: conditionOf(at.Kind), Reason: v1alpha1.ReasonApplyRejected, Stalled: true, Message: fmt.Sprintf("%s: %v", name(at), err)}
		}
		return false, fmt.Errorf("apply %s: %w", name(at), err)
	}
	a.remember(at, record{source: source.UID, hash: hash, version: object.GetResourceVersion()})
	return seen == nil || seen.GetResourceVersion() != object.GetResourceVersion(), nil
}

// compare says whether the object was made from the same configuration and still holds all of it, as far as the cache knows; old
// says that the cache does not know yet what was written.
func (a *Applier) compare(at key, hash uint64, object, seen *unstructured.Unstructured) (written, old bool) {
	a.mu.Lock()
	record, known := a.written[at]
	a.mu.Unlock()
	if !known || record.hash != hash {
		return false, false
	}
	if order, err := resourceversion.CompareResourceVersion(seen.GetResourceVersion(), record.version); err == nil && order <= 0 {
		return true, order < 0
	}
	return !metadataOnly(at.GroupVersionKind) && contains(seen.Object, object.Object), false
}

func (a *Applier) remember(at key, written record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.written[at] = written
}

// Drop forgets what was written for a Source that is gone.
func (a *Applier) Drop(source types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.written, func(_ key, record record) bool { return record.source == source })
}

func (a *Applier) forget(at key) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.written, at)
}

func decode(configuration runtime.ApplyConfiguration) (*unstructured.Unstructured, []byte, error) {
	encoded, err := json.Marshal(configuration)
	if err != nil {
		return nil, nil, fmt.Errorf("encode a rendered object: %w", err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(encoded); err != nil {
		return nil, nil, fmt.Errorf("decode a rendered object: %w", err)
	}
	return object, encoded, nil
}

// conditionOf names the condition that tells of a kind's failures.
func conditionOf(kind string) string {
	switch kind {
	case "Ingress", "HTTPRoute", "Secret":
		return v1alpha1.ConditionEndpointReady
	case "StatefulSet":
		return v1alpha1.ConditionRedisReady
	default:
		return v1alpha1.ConditionIngestReady
	}
}

func name(at key) string { return fmt.Sprintf("%s %s", at.Kind, at.Name) }
