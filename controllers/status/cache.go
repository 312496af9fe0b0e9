// SPDX-License-Identifier: Apache-2.0

package status

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// cache holds the statuses that the writer wrote most recently, until the client's cache has them. The client's cache learns of a write
// only when the watch delivers it. A reconciliation that compared its status with the older one would write it, and record its Events,
// a second time.
type cache[Status any] struct {
	mu   sync.Mutex
	last map[types.UID]written[Status]
}

// written is a status and the resource version that the API server gave to it.
type written[Status any] struct {
	version string
	status  Status
}

func newCache[Status any]() *cache[Status] {
	return &cache[Status]{last: map[types.UID]written[Status]{}}
}

// latest returns the status that was written last if it is newer than the observed one, and the observed one otherwise. If the
// resource versions cannot be compared, it returns the observed one.
func (c *cache[Status]) latest(uid types.UID, version string, observed Status) Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.last[uid]
	if !known {
		return observed
	}
	if order, err := resourceversion.CompareResourceVersion(version, last.version); err == nil && order < 0 {
		return last.status
	}
	return observed
}

// store keeps a status that was just written.
func (c *cache[Status]) store(uid types.UID, version string, status Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[uid] = written[Status]{version: version, status: status}
}

// observed drops the written status of a resource once the client's cache has that version of the resource or a later one.
func (c *cache[Status]) observed(uid types.UID, version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, known := c.last[uid]; known {
		if order, err := resourceversion.CompareResourceVersion(version, last.version); err != nil || order >= 0 {
			delete(c.last, uid)
		}
	}
}

// remove drops the written status of a resource that no longer exists.
func (c *cache[Status]) remove(uid types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.last, uid)
}
