// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/go-logr/logr"
)

const (
	// maxHeader bounds a request's header in bytes.
	maxHeader = 64 << 10
	// idleTime is longer than that of the usual load balancers, so that they, who know what they sent, close connections.
	idleTime = 620 * time.Second
	// answerTime is what a sender may take to read its answer.
	answerTime = 5 * time.Second
)

// Server returns a server whose timeouts are those that the answers need: outside of it nobody ends a slow request.
func (r *Receiver) Server() *http.Server {
	o := r.options
	return &http.Server{
		Handler:                      r,
		ReadHeaderTimeout:            o.HeaderTimeout,
		ReadTimeout:                  o.RequestTimeout,
		WriteTimeout:                 o.RequestTimeout + o.AcceptTimeout + answerTime,
		IdleTimeout:                  idleTime,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		// What net/http reports is a sender's connection that went wrong: nobody must act.
		ErrorLog: slog.NewLogLogger(logr.ToSlogHandler(o.Log), slog.LevelDebug),
	}
}
