// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
)

const (
	// maxHeader is the size in bytes of the largest request header.
	maxHeader = 64 << 10
	// idleTimeout is longer than the idle timeouts of common load balancers. The load balancer then closes an idle
	// connection first, and never sends a request on a connection that this server is closing.
	idleTimeout = 620 * time.Second
	// responseTime is how long a sender may take to read its response.
	responseTime = 5 * time.Second
)

// Server returns an HTTP server for the receiver. Its timeouts end slow requests; nothing in front of the process does.
// It must serve a listener that Receiver.Listener returned.
func (r *Receiver) Server() *http.Server {
	o := r.options
	return &http.Server{
		Handler:                      r,
		ReadHeaderTimeout:            o.HeaderTimeout,
		ReadTimeout:                  o.RequestTimeout,
		WriteTimeout:                 o.RequestTimeout + o.AcceptTimeout + responseTime,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeader,
		ConnContext:                  withConnection,
		DisableGeneralOptionsHandler: true,
		// net/http logs broken connections of senders here. They need no action.
		ErrorLog: slog.NewLogLogger(logr.ToSlogHandler(o.Log), slog.LevelDebug),
	}
}
