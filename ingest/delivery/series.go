// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"maps"
	"sync"
	"sync/atomic"
)

// series remembers the time series of a metric, because Prometheus takes several times as long to find one by its
// labels. The labels must have few values. Its zero value is empty, and it is safe for concurrent use.
type series[K comparable, V any] struct {
	mu    sync.Mutex
	known atomic.Pointer[map[K]V] // never changes; a new series makes a new map
}

// get returns the series with the labels. The first call for each labels calls find.
func (s *series[K, V]) get(labels K, find func() V) V {
	if known := s.known.Load(); known != nil {
		if found, ok := (*known)[labels]; ok {
			return found
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next := map[K]V{}
	if known := s.known.Load(); known != nil {
		maps.Copy(next, *known)
	}
	next[labels] = find()
	s.known.Store(&next)
	return next[labels]
}
