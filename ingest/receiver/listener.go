// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Listener returns a listener for the receiver's server. It bounds the number of open connections. If a new connection
// exceeds the limit, the listener closes the connection that has received nothing for the longest time, so that slow or
// idle senders lose their connection before active ones. It never closes a connection while the receiver handles a
// request that has arrived completely.
//
// Its connections respond with 408 to a request header that does not arrive completely. net/http responds with 400 or
// not at all, depending on where the header ends, and senders drop the event after a 400. The connections also count the
// requests that net/http rejects before they reach the receiver.
func (r *Receiver) Listener(l net.Listener) net.Listener {
	return &listener{
		Listener: l, limit: r.options.MaxConnections, now: r.options.Now, memory: r.memory, connections: map[*connection]struct{}{},
		rejected: func(address string, rejected *rejection) {
			r.meter.requests.WithLabelValues(strconv.Itoa(rejected.status)).Inc()
			r.record("", rejected, address, -1)
		},
	}
}

type listener struct {
	net.Listener
	limit  int
	now    func() time.Time
	memory *memory
	// rejected records a request that never reaches the receiver.
	rejected func(address string, rejected *rejection)

	mu          sync.Mutex
	connections map[*connection]struct{} // the open ones
}

// Accept returns the next connection. If too many are open, it closes the quietest one.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		if errors.Is(err, syscall.EMFILE) { // the process has no file descriptor left; the server calls Accept again
			l.closeQuietest()
		}
		return nil, err
	}
	c := &connection{Conn: conn, listener: l, header: memoryBudget{memory: l.memory}}
	c.reads.apply, c.writes.apply = conn.SetReadDeadline, conn.SetWriteDeadline
	c.markActive()
	if l.add(c) > l.limit {
		l.closeQuietest()
	}
	return c, nil
}

func (l *listener) add(c *connection) (open int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connections[c] = struct{}{}
	return len(l.connections)
}

func (l *listener) remove(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.connections, c)
}

func (l *listener) closeQuietest() {
	if c := l.quietest(); c != nil {
		_ = c.Close() // nothing is left to do with a connection that cannot be closed
	}
}

// quietest returns the connection that has been silent for the longest time, or nil if a request is being handled on
// every one.
func (l *listener) quietest() (found *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.connections {
		if !c.handling.Load() && (found == nil || c.lastActive.Load() < found.lastActive.Load()) {
			found = c
		}
	}
	return found
}

// connection records whether the latest read failed, and whether it has read anything since the latest write. Its
// fields are atomic, because net/http can read in one goroutine while a handler runs in another.
type connection struct {
	net.Conn
	reads, writes      lazyDeadline
	listener           *listener
	failed, unanswered atomic.Bool
	mayProbe           atomic.Bool  // see skipProbe
	handling           atomic.Bool  // the body of a request has arrived, and its response is not written yet
	lastActive         atomic.Int64 // when the sender last sent anything, in nanoseconds

	mu         sync.Mutex   // guards the fields below
	header     memoryBudget // for the part of a header that exceeds freeHeader
	headerSize int64        // the number of bytes read since the latest request began
	inRequest  bool         // a handler runs: the bytes that arrive belong to the body, which has its own budget
}

// freeHeader is the size in bytes of a header that needs no memory budget. Larger headers are rare, and without a
// budget thousands of them could exhaust the memory before the receiver knows whether the sender has a valid token.
const freeHeader = 8 << 10

// countHeader reserves memory for n more bytes of a header. It returns errNoMemory if the budget has too little memory
// left.
func (c *connection) countHeader(n int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inRequest {
		return nil
	}
	if c.headerSize += n; c.headerSize > freeHeader && !c.header.reserve(min(n, c.headerSize-freeHeader)) {
		return errNoMemory
	}
	return nil
}

// beginRequest must be called when a handler begins. It accepts a nil connection, as the other methods for handlers do:
// a request that did not arrive over Receiver.Listener has none.
func (c *connection) beginRequest() {
	if c == nil {
		return
	}
	c.mayProbe.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inRequest = true
}

// endRequest must be called when the handler ends. It releases the memory of the header.
func (c *connection) endRequest() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inRequest, c.headerSize = false, 0
	if c.header.reserved > 0 {
		c.header.release(c.header.reserved)
	}
}

// setHandling protects the connection from closeQuietest while the events of a request are being accepted.
func (c *connection) setHandling(handling bool) {
	if c != nil {
		c.handling.Store(handling)
	}
}

// skipProbe reports whether a read only serves to notice that the sender has closed its side. When the body has arrived,
// net/http starts a goroutine that reads one byte for this purpose until the handler ends. Nothing in the receiver uses
// the result, because a handler continues when the sender closes its connection. net/http starts at most one such read
// for each request. It hardly ever reads one byte for another purpose, and it repeats such a read.
func (c *connection) skipProbe(data []byte) bool {
	return len(data) == 1 && c.mayProbe.CompareAndSwap(true, false)
}

func (c *connection) markActive() { c.lastActive.Store(c.listener.now().UnixNano()) }

// Read returns errNoMemory if the header of a request is large and memory is short. A read that only probes the
// connection returns no byte and no error at once. This saves a system call, two deadlines and two switches of
// goroutines for each request.
func (c *connection) Read(data []byte) (int, error) {
	if c.skipProbe(data) {
		return 0, nil
	}
	if err := c.reads.begin(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(data)
	c.reads.end()
	if n > 0 {
		c.markActive()
		c.unanswered.Store(true)
		if errMemory := c.countHeader(int64(n)); errMemory != nil {
			n, err = 0, errMemory
		}
	}
	c.failed.Store(err != nil)
	return n, err
}

// Write replaces the responses with which net/http itself rejects a request.
func (c *connection) Write(data []byte) (int, error) {
	c.unanswered.Store(false)
	if rejected := c.serverRejection(data); rejected != nil {
		if err := c.reject(rejected); err != nil {
			return 0, err
		}
		return len(data), nil
	}
	return c.write(data)
}

func (c *connection) write(data []byte) (int, error) {
	if err := c.writes.begin(); err != nil {
		return 0, err
	}
	defer c.writes.end()
	return c.Conn.Write(data)
}

// SetReadDeadline sets the deadline of the read in progress and of later ones.
func (c *connection) SetReadDeadline(deadline time.Time) error { return c.reads.set(deadline) }

// SetWriteDeadline sets the deadline of the write in progress and of later ones.
func (c *connection) SetWriteDeadline(deadline time.Time) error { return c.writes.set(deadline) }

// SetDeadline sets both deadlines.
func (c *connection) SetDeadline(deadline time.Time) error {
	return errors.Join(c.reads.set(deadline), c.writes.set(deadline))
}

// Close responds first if net/http closes the connection without a response to an incomplete header.
func (c *connection) Close() error {
	c.listener.remove(c)
	c.endRequest()
	if c.failed.Load() && c.unanswered.Swap(false) {
		_ = c.reject(incompleteHeader()) // the only error is that the sender has closed the connection
	}
	return c.Conn.Close()
}

// CloseWrite lets net/http close its side first, so that the sender can read the response before the connection is
// reset.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// connectionKey is the key of a request's *connection in its context.
type connectionKey struct{}

func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// connectionOf returns the connection of a request, or nil if it did not arrive over Receiver.Listener.
func connectionOf(request *http.Request) *connection {
	c, _ := request.Context().Value(connectionKey{}).(*connection)
	return c
}
