// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
)

// gatewayAPI detects whether the cluster serves HTTPRoutes. The Gateway API can be installed while the manager runs; the controller
// watches HTTPRoutes from then on.
type gatewayAPI struct {
	mapper meta.RESTMapper
	watch  func() error

	mu      sync.Mutex
	watched bool
}

// installed reports whether the cluster serves HTTPRoutes. It asks the API server on every call until it does, and then starts the watch.
func (g *gatewayAPI) installed() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watched {
		return true, nil
	}
	kind := httpRouteKind()
	if _, err := g.mapper.RESTMapping(kind.GroupKind(), kind.Version); meta.IsNoMatchError(err) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("detect the Gateway API: %w", err)
	}
	if err := g.watch(); err != nil {
		return false, fmt.Errorf("watch HTTPRoutes: %w", err)
	}
	g.watched = true
	return true, nil
}
