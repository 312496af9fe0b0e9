// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
)

const (
	// maxHeader is the size in bytes of the largest request header.
	maxHeader = 64 << 10
	// idleTimeout is longer than the idle timeouts of common load balancers. The load balancer then closes an idle connection
	// first, and never sends a request on a connection that this server is closing.
	idleTimeout = 620 * time.Second
	// responseTime is how long a sender may take to read its response.
	responseTime = 5 * time.Second
)

// Server returns an HTTP server for the receiver. Its timeouts end slow requests; nothing in front of the process does. It must
// serve a listener that Listener returned.
func (r *Receiver) Server() *http.Server {
	o := r.options
	return &http.Server{
		Handler:                      r,
		ReadHeaderTimeout:            o.HeaderTimeout,
		ReadTimeout:                  o.RequestTimeout,
		WriteTimeout:                 o.RequestTimeout + o.AcceptTimeout + responseTime,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeader,
		DisableGeneralOptionsHandler: true,
		// net/http logs broken connections of senders here. They need no action.
		ErrorLog: slog.NewLogLogger(logr.ToSlogHandler(o.Log), slog.LevelDebug),
	}
}

// Listener returns a listener whose connections respond with 408 to a request header that does not arrive completely. net/http
// responds with 400 or not at all, depending on where the header ends, and senders drop the event after a 400.
func Listener(listener net.Listener) net.Listener { return incompleteHeaderListener{listener} }

type incompleteHeaderListener struct{ net.Listener }

func (l incompleteHeaderListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn}, nil
}

// connection records whether the latest read failed, and whether it has read anything since the latest write. Its fields are
// atomic, because net/http reads in one goroutine while a handler runs in another.
type connection struct {
	net.Conn
	failed, unanswered atomic.Bool
}

func (c *connection) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if n > 0 {
		c.unanswered.Store(true)
	}
	c.failed.Store(err != nil)
	return n, err
}

// Write replaces the response that net/http writes when it considers a header invalid that is only incomplete. The content type
// tells that response from the ones of the receiver, which are JSON.
func (c *connection) Write(data []byte) (int, error) {
	c.unanswered.Store(false)
	if c.failed.Load() && bytes.HasPrefix(data, []byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain")) {
		if _, err := c.Conn.Write(incompleteHeader()); err != nil {
			return 0, err
		}
		return len(data), nil
	}
	return c.Conn.Write(data)
}

// Close responds first if net/http closes the connection without a response to an incomplete header.
func (c *connection) Close() error {
	if c.failed.Load() && c.unanswered.Swap(false) {
		_, _ = c.Conn.Write(incompleteHeader()) // the only error is that the sender has closed the connection
	}
	return c.Conn.Close()
}

// CloseWrite lets net/http close its side first, so that the sender can read the response before the connection is reset.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// incompleteHeader returns the bytes of a whole HTTP response.
func incompleteHeader() []byte {
	rejected := incompleteRequest("the request is incomplete: its header ends too early")
	body := rejected.body()
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		rejected.status, http.StatusText(rejected.status), len(body), body)
}
