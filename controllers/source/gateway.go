// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// httpRoutes is the kind of the Gateway API that not every cluster has.
func httpRoutes() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "gateway.networking.k8s.io", Version: "v1", Kind: "HTTPRoute"}
}

// gatewayAPI knows whether the cluster has HTTPRoutes. They may come while the manager runs, and are watched from then on.
type gatewayAPI struct {
	mapper meta.RESTMapper
	watch  func() error

	mu      sync.Mutex
	watched bool
}

// installed asks the API server each time until the answer is yes.
func (g *gatewayAPI) installed() (bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.watched {
		return true, nil
	}
	kind := httpRoutes()
	if _, err := g.mapper.RESTMapping(kind.GroupKind(), kind.Version); meta.IsNoMatchError(err) {
		return false, nil
	} else if err != nil {
		return false, fmt.Errorf("look for the Gateway API: %w", err)
	}
	if err := g.watch(); err != nil {
		return false, fmt.Errorf("watch HTTPRoutes: %w", err)
	}
	g.watched = true
	return true, nil
}
