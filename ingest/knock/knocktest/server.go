// SPDX-License-Identifier: Apache-2.0

package knocktest

import (
	"io"
	"log"
	"net/http/httptest"
	"testing"
)

// Server is a fake that listens on loopback until the test ends.
type Server struct {
	*Knock
	// URL is the base URL, without a path.
	URL string
}

// New starts a fake. A path that is not clean fails the test.
func New(t testing.TB, options ...Option) *Server {
	t.Helper()
	k := Handler(options...)
	k.alarm = t.Errorf
	server := httptest.NewUnstartedServer(k)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it speaks of callers that went away
	server.Start()
	t.Cleanup(server.Close)
	return &Server{Knock: k, URL: server.URL}
}
