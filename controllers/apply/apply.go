// SPDX-License-Identifier: Apache-2.0

// Package apply writes the objects that a Source owns: server-side apply with one field manager, and no request if nothing changed. The
// controller of Sources calls it, and it is the only writer of these objects. It must never take over or delete an object that belongs
// to someone else.
package apply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
)

// Applier applies the objects of Sources. It is safe for concurrent use, but not for two calls about the same Source.
type Applier struct {
	client  client.Client // with a field owner
	live    client.Reader
	seed    maphash.Seed
	written *record
}

// New returns an Applier for objects of the given kinds. The field owner of the client is the field manager. The live reader bypasses
// the cache, which does not contain objects without Doorbell's labels.
func New(c client.Client, live client.Reader, kinds []schema.GroupVersionKind) *Applier {
	return &Applier{client: c, live: live, seed: maphash.MakeSeed(), written: newRecord(kinds)}
}

// key identifies an object.
type key struct {
	schema.GroupVersionKind
	client.ObjectKey
}

// String returns the kind and the name, for messages.
func (k key) String() string { return k.Kind + " " + k.Name }

// target is an object that a Source wants.
type target struct {
	key
	source *v1alpha1.Source
	object *unstructured.Unstructured
	hash   uint64
}

// Apply makes the objects that the Source owns equal to the given set: it applies each object that differs, and deletes the objects
// that the Source owns and that are neither in the set nor kept. It deletes nothing if an object could not be applied.
//
// Apply returns the kinds of which an object changed, because what was read of these objects before is out of date. If the API server
// rejects an object, or the object belongs to someone else, the error contains a *condition.Problem; the other objects are applied
// nevertheless.
func (a *Applier) Apply(ctx context.Context, source *v1alpha1.Source, set []runtime.ApplyConfiguration, kept func(kind, name string) bool) (changed map[string]bool, err error) {
	var failed []error
	changed = map[string]bool{}
	wanted := make(map[key]bool, len(set))
	for _, configuration := range set {
		target, err := a.target(source, configuration)
		if err != nil {
			return changed, err
		}
		wanted[target.key] = true
		written, err := a.apply(ctx, target)
		if err != nil {
			failed = append(failed, err)
		}
		changed[target.Kind] = changed[target.Kind] || written
	}
	if len(failed) == 0 {
		failed = append(failed, a.prune(ctx, source, func(at key) bool { return wanted[at] || kept(at.Kind, at.Name) }))
	}
	return changed, errors.Join(failed...)
}

// target decodes a rendered object and computes its hash. The resource version, with which the API server rejects an object that has
// changed since, is not part of the hash.
func (a *Applier) target(source *v1alpha1.Source, configuration runtime.ApplyConfiguration) (*target, error) {
	encoded, err := json.Marshal(configuration)
	if err != nil {
		return nil, fmt.Errorf("encode a rendered object: %w", err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(encoded); err != nil {
		return nil, fmt.Errorf("decode a rendered object: %w", err)
	}
	version := object.GetResourceVersion()
	if object.SetResourceVersion(""); version != "" {
		if encoded, err = object.MarshalJSON(); err != nil {
			return nil, fmt.Errorf("encode a rendered object: %w", err)
		}
		object.SetResourceVersion(version)
	}
	return &target{
		key:    key{object.GroupVersionKind(), client.ObjectKeyFromObject(object)},
		source: source, object: object, hash: maphash.Bytes(a.seed, encoded),
	}, nil
}

// apply applies one object unless it is up to date. It reports whether the cached object is out of date.
func (a *Applier) apply(ctx context.Context, t *target) (changed bool, err error) {
	cached, err := a.get(ctx, t.key)
	if err != nil {
		return false, err
	}
	if cached == nil {
		err = a.checkNameIsFree(ctx, t)
	} else {
		err = t.checkOwner(cached)
	}
	if err != nil {
		return false, err
	}
	if cached != nil {
		if current, stale := a.upToDate(t, cached); current {
			return stale, nil
		}
	}
	err = a.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(t.object), client.ForceOwnership)
	if apierrors.IsConflict(err) {
		return true, nil // the object has changed since it was observed, so the controller is about to observe it again
	}
	if err != nil {
		return false, t.applyError(err)
	}
	a.recordApplied(t)
	return cached == nil || cached.GetResourceVersion() != t.object.GetResourceVersion(), nil
}

// applyError returns the error for a failed request: nil if the namespace is being deleted and the Source with it, a problem if the API
// server rejects the object itself, and an error to retry otherwise.
func (t *target) applyError(err error) error {
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return t.problem(v1alpha1.ReasonApplyRejected, true, "the API server rejects %s: %v", t, err)
	default:
		return fmt.Errorf("apply %s: %w", t, err)
	}
}

// problem returns a problem that the condition of the object's component reports.
func (t *target) problem(reason string, stalled bool, format string, args ...any) error {
	return &condition.Problem{Type: t.condition(), Reason: reason, Stalled: stalled, Message: fmt.Sprintf(format, args...)}
}

// condition returns the type of the condition that reports on the component that the object belongs to.
func (t *target) condition() string {
	switch t.object.GetLabels()[render.LabelComponent] {
	case render.ComponentEndpoint:
		return v1alpha1.ConditionEndpointReady
	case render.ComponentRedis:
		return v1alpha1.ConditionRedisReady
	default:
		return v1alpha1.ConditionIngestReady
	}
}
