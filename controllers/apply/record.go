// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
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

// writtenObject holds the hash of the configuration that was applied, and how the object looked afterwards.
type writtenObject struct {
	source  types.UID
	hash    uint64
	version string // the resource version
	state   uint64 // the hash of everything but the status; see Applier.state. 0 for kinds of which the cache has only the metadata
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

func (r *record) add(at key, object writtenObject) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.objects[at] = object
}

func (r *record) get(at key) (object writtenObject, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	object, known = r.objects[at]
	return object, known
}

func (r *record) remove(at key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.objects, at)
}

// recordApplied records an object after it was applied. The client has filled t.object from the response of the API server.
func (a *Applier) recordApplied(t *target) {
	a.written.add(t.key, writtenObject{
		source: t.source.UID, hash: t.hash, version: t.object.GetResourceVersion(), state: a.state(t.object),
	})
}

// upToDate reports whether an object needs no request: it was applied from the same configuration, and as far as the cache shows, nobody
// has changed anything but its status since. stale reports whether the cache does not contain the latest write yet.
func (a *Applier) upToDate(t *target, cached *unstructured.Unstructured) (upToDate, stale bool) {
	last, known := a.written.get(t.key)
	if !known || last.hash != t.hash {
		return false, false
	}
	version := cached.GetResourceVersion()
	if order, err := resourceversion.CompareResourceVersion(version, last.version); err == nil && order <= 0 {
		return true, order < 0
	}
	if metadataOnly(t.GroupVersionKind) || a.state(cached) != last.state {
		return false, false
	}
	last.version = version // so that the next call need not compute the state
	a.written.add(t.key, last)
	return true, false
}

// state returns a hash of an object without its status and without what changes with every write.
func (a *Applier) state(object *unstructured.Unstructured) uint64 {
	if metadataOnly(object.GroupVersionKind()) {
		return 0
	}
	state := maps.Clone(object.Object)
	delete(state, "status")
	if metadata, ok := state["metadata"].(map[string]any); ok {
		metadata = maps.Clone(metadata)
		delete(metadata, "resourceVersion")
		delete(metadata, "managedFields")
		state["metadata"] = metadata
	}
	return maphash.String(a.seed, encoded(state))
}

// encoded returns the JSON of an object that the API server has sent.
func encoded(object map[string]any) string {
	text, err := json.Marshal(object)
	if err != nil { // cannot happen: the object was decoded from JSON
		panic(fmt.Sprintf("encode an object: %v", err))
	}
	return string(text)
}
