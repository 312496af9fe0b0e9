// SPDX-License-Identifier: Apache-2.0

package outcome

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// Reported remembers the statuses that were written last. The cache learns of them later, and what is compared with an older
// status is written, and told by an event, a second time.
type Reported[Status any] struct {
	mu   sync.Mutex
	last map[types.UID]reported[Status]
}

type reported[Status any] struct {
	version string
	status  Status
}

// NewReported returns one that remembers nothing yet.
func NewReported[Status any]() *Reported[Status] {
	return &Reported[Status]{last: map[types.UID]reported[Status]{}}
}

// Latest returns the status that was written last if the cached one, of that resource version, is older.
func (r *Reported[Status]) Latest(uid types.UID, version string, cached Status) Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, known := r.last[uid]
	if !known {
		return cached
	}
	if order, err := resourceversion.CompareResourceVersion(version, last.version); err == nil && order < 0 {
		return last.status
	}
	return cached
}

// Seen says that the cache has a resource at that version: what was written before needs no remembering.
func (r *Reported[Status]) Seen(uid types.UID, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, known := r.last[uid]; known {
		if order, err := resourceversion.CompareResourceVersion(version, last.version); err != nil || order >= 0 {
			delete(r.last, uid)
		}
	}
}

// Wrote remembers a status and the resource version that the server gave it.
func (r *Reported[Status]) Wrote(uid types.UID, version string, status Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last[uid] = reported[Status]{version: version, status: status}
}

// Drop forgets a resource that is gone.
func (r *Reported[Status]) Drop(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.last, uid)
}
