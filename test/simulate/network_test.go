// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"context"
	"errors"
	"net"
	"sync"
)

var errSevered = errors.New("simulated network: the process is dead")

// network connects one process with the rest of the simulation. The simulation can freeze it for a while, and can sever
// it permanently. The goroutines of a process on a severed network may continue, but they cannot reach anything, as if
// the process were dead.
type network struct {
	mu      sync.Mutex
	conns   map[*conn]bool
	severed bool
	thawed  chan struct{} // closed when the network is no longer frozen; nil if it is not frozen
}

func newNetwork() *network { return &network{conns: map[*conn]bool{}} }

// add returns the process's end of a connection, or an error if the network is severed.
func (n *network) add(raw net.Conn) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.severed {
		_ = raw.Close()
		return nil, errSevered
	}
	c := &conn{Conn: raw, network: n, closed: make(chan struct{})}
	n.conns[c] = true
	return c, nil
}

// sever closes all connections and rejects new ones.
func (n *network) sever() {
	n.mu.Lock()
	n.severed = true
	conns := n.conns
	n.conns = nil
	n.mu.Unlock()
	for c := range conns {
		c.close()
	}
	n.thaw()
}

func (n *network) isSevered() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.severed
}

// freeze stops all traffic until thaw.
func (n *network) freeze() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.thawed == nil && !n.severed {
		n.thawed = make(chan struct{})
	}
}

func (n *network) thaw() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.thawed != nil {
		close(n.thawed)
		n.thawed = nil
	}
}

func (n *network) gate() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.thawed
}

// conn is the process's end of a connection. While the network is frozen, its reads and writes wait.
type conn struct {
	net.Conn
	network *network
	once    sync.Once
	closed  chan struct{}
}

func (c *conn) wait() error {
	for {
		gate := c.network.gate()
		if gate == nil {
			return nil
		}
		select {
		case <-gate:
		case <-c.closed:
			return net.ErrClosed
		}
	}
}

func (c *conn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if gone := c.wait(); gone != nil {
		return 0, gone
	}
	return n, err
}

func (c *conn) Write(data []byte) (int, error) {
	if err := c.wait(); err != nil {
		return 0, err
	}
	return c.Conn.Write(data)
}

func (c *conn) Close() error {
	c.network.mu.Lock()
	delete(c.network.conns, c)
	c.network.mu.Unlock()
	c.close()
	return nil
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.closed)
		_ = c.Conn.Close() // a pipe closes without an error
	})
}

// listener accepts connections in memory. wrap, if not nil, returns the end that Accept returns.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
	wrap  func(net.Conn) (net.Conn, error)
}

func newListener(wrap func(net.Conn) (net.Conn, error)) *listener {
	return &listener{conns: make(chan net.Conn), done: make(chan struct{}), wrap: wrap}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// dial connects to the listener.
func (l *listener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	if l.wrap != nil {
		var err error
		if server, err = l.wrap(server); err != nil {
			return nil, err
		}
	}
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, errors.New("simulated network: connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
