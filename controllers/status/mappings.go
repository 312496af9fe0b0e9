// SPDX-License-Identifier: Apache-2.0

// Package status holds what the controllers share to write the status of a resource: the store through which the controller of Sources
// hands the result of each ActionMapping to the controller of ActionMappings, and the writer that both use. Only the controller of a
// kind writes the status of that kind. The package must not decide what a status says.
package status

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Result is what the controller of Sources found out about one generation of an ActionMapping. The mapping is either rejected
// (RejectReason is set), pending (PendingReason is set) or live (LiveSince is set).
type Result struct {
	// UID distinguishes the mapping from a deleted mapping of the same name.
	UID        types.UID
	Generation int64
	// RejectReason and RejectMessage are the reason and the message for the condition of a rejected mapping.
	RejectReason, RejectMessage string
	// PendingReason and PendingMessage say what a valid mapping waits for until every pod runs it.
	PendingReason, PendingMessage string
	// LiveSince is the version of the first configuration that every pod ran with this generation of the mapping.
	LiveSince string
	// Warning describes a probable mistake that does not stop Doorbell from running the mapping.
	Warning string
}

// continues reports whether a result is about the same generation of the same mapping as an earlier one.
func (r Result) continues(earlier Result) bool {
	return r.UID == earlier.UID && r.Generation == earlier.Generation
}

// MappingStore holds the results of the ActionMappings of every Source, in memory. A manager that starts fills it as it reconciles the
// Sources. It is safe for concurrent use; use NewMappingStore to create one.
type MappingStore struct {
	mu      sync.Mutex
	sources map[types.NamespacedName]map[string]Result
	changed func(types.NamespacedName)
}

// NewMappingStore returns an empty store.
func NewMappingStore() *MappingStore {
	return &MappingStore{sources: map[types.NamespacedName]map[string]Result{}, changed: func(types.NamespacedName) {}}
}

// Subscribe sets the function that the store calls for each mapping whose result changes from now on. The function must not block
// and must not call the store.
func (s *MappingStore) Subscribe(changed func(mapping types.NamespacedName)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = changed
}

// Replace replaces all results of a Source, by the name of the mapping. A mapping that was live keeps its LiveSince until its
// generation changes: pods that have yet to load a later configuration run the mapping already.
func (s *MappingStore) Replace(source types.NamespacedName, results map[string]Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.sources[source]
	for name, result := range results {
		if earlier := before[name]; result.continues(earlier) && earlier.LiveSince != "" && result.RejectReason == "" {
			result.LiveSince, result.PendingReason, result.PendingMessage = earlier.LiveSince, "", ""
			results[name] = result
		}
	}
	s.sources[source] = results
	for name, result := range results {
		if earlier, known := before[name]; !known || earlier != result {
			s.changed(types.NamespacedName{Namespace: source.Namespace, Name: name})
		}
	}
}

// Delete removes the results of a Source that no longer exists.
func (s *MappingStore) Delete(source types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sources, source)
}

// Get returns the result of a mapping, and reports whether there is one. There is none until the Source was reconciled.
func (s *MappingStore) Get(source types.NamespacedName, mapping string) (Result, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	result, known := s.sources[source][mapping]
	return result, known
}
