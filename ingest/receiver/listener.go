// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
)

// Listener gives the server of a Receiver connections on which a header that does not arrive whole is answered 408.
// Without it net/http answers 400 or nothing, depending on where the header stops, and 400 makes a sender give up.
func Listener(listener net.Listener) net.Listener { return patient{listener} }

type patient struct{ net.Listener }

func (p patient) Accept() (net.Conn, error) {
	conn, err := p.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &connection{Conn: conn}, nil
}

// connection knows whether the last read failed, and whether anything that was read is unanswered. net/http reads ahead in
// a goroutine of its own while a handler runs.
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

// Write exchanges the answer of net/http to a header that it took for bad because it was cut off. Handlers' answers are JSON.
func (c *connection) Write(data []byte) (int, error) {
	c.unanswered.Store(false)
	if c.failed.Load() && bytes.HasPrefix(data, []byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain")) {
		if _, err := c.Conn.Write(cutOff()); err != nil {
			return 0, err
		}
		return len(data), nil
	}
	return c.Conn.Write(data)
}

func (c *connection) Close() error {
	if c.failed.Load() && c.unanswered.Swap(false) {
		_, _ = c.Conn.Write(cutOff()) // a sender that is gone needs no answer
	}
	return c.Conn.Close()
}

// CloseWrite lets net/http close gently, so that the answer arrives before the connection is reset.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func cutOff() []byte {
	rejected := incompleteRequest("the request did not arrive whole: its header is cut off")
	body := rejected.body()
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		rejected.status, http.StatusText(rejected.status), len(body), body)
}
