// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net/http"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// serveHealth responds to a health check, and reports whether the request is one. The admin port serves health checks
// too, but most load balancers of clouds check the port to which they send events, at the path of the readiness probe or
// at /.
func (r *Receiver) serveHealth(w http.ResponseWriter, request *http.Request) bool {
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		return false
	}
	switch request.URL.Path {
	case layout.HealthPath:
	case "/", layout.ReadyPath:
		if notReady := r.notReady(); notReady != nil {
			write(w, notReady.status, notReady.body())
			return true
		}
	default:
		return false
	}
	write(w, http.StatusOK, []byte("{}\n"))
	return true
}
