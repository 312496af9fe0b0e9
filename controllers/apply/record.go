// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// record holds what the Applier wrote, so that it sends no request for an object that is up to date.
type record struct {
	mu      sync.Mutex
	kinds   []schema.GroupVersionKind // the kinds that Sources can own
	objects map[key]writtenObject
}

// writtenObject holds the hash of the configuration that was applied, and the resource version that the API server returned.
type writtenObject struct {
	source  types.UID
	hash    uint64
	version string
}

func newRecord(kinds []schema.GroupVersionKind) *record {
	return &record{kinds: kinds, objects: map[key]writtenObject{}}
}

// AddKind adds a kind to the kinds that Sources can own.
func (a *Applier) AddKind(kind schema.GroupVersionKind) {
	a.written.mu.Lock()
	defer a.written.mu.Unlock()
	a.written.kinds = append(slices.Clone(a.written.kinds), kind)
}

// Forget removes the recorded objects of a deleted Source from memory.
func (a *Applier) Forget(source types.UID) {
	a.written.mu.Lock()
	defer a.written.mu.Unlock()
	maps.DeleteFunc(a.written.objects, func(_ key, object writtenObject) bool { return object.source == source })
}

func (r *record) ownedKinds() []schema.GroupVersionKind {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kinds // AddKind replaces the slice and never changes it
}

func (r *record) add(t *target) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[t.key] = writtenObject{source: t.source.UID, hash: t.hash, version: t.object.GetResourceVersion()}
}

func (r *record) remove(at key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.objects, at)
}

// compare reports whether the object is up to date: it was applied from the same configuration, and as far as the cache shows nobody
// removed or changed a field since. stale reports whether the cache does not contain the latest write yet.
func (r *record) compare(t *target, cached *unstructured.Unstructured) (upToDate, stale bool) {
	r.mu.Lock()
	last, known := r.objects[t.key]
	r.mu.Unlock()
	if !known || last.hash != t.hash {
		return false, false
	}
	if order, err := resourceversion.CompareResourceVersion(cached.GetResourceVersion(), last.version); err == nil && order <= 0 {
		return true, order < 0
	}
	return !metadataOnly(t.GroupVersionKind) && contains(cached.Object, t.object.Object), false
}
