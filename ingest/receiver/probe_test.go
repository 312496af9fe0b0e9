// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"net"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// countingListener counts the reads of one byte from the sockets of its connections.
type countingListener struct {
	net.Listener
	reads *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countingConn{conn, l.reads}, err
}

type countingConn struct {
	net.Conn
	reads *atomic.Int64
}

func (c countingConn) Read(data []byte) (int, error) {
	if len(data) == 1 {
		c.reads.Add(1)
	}
	return c.Conn.Read(data)
}

func TestTheReceiverDoesNotProbeAConnectionWhileItAcceptsEvents(t *testing.T) {
	g, reads := newGate(), new(atomic.Int64)
	r := started(receiver.Options{}, new(fakeInbox).endpoint(g.hold))
	server := httptest.NewUnstartedServer(nil)
	server.Config, server.Listener = r.Server(), r.Listener(countingListener{server.Listener, reads})
	server.Start()
	t.Cleanup(server.Close)
	close(g.opened)

	w := dial(t, server.Listener.Addr().String())
	const requests = 20
	w.write(t, strings.Repeat(post(path, one), requests/2)) // at once
	for range requests / 2 {
		<-g.entered
		got, _ := w.read(t)
		check(t, acceptedOne, got)
	}
	for range requests / 2 {
		w.write(t, post(path, one))
		<-g.entered
		got, _ := w.read(t)
		check(t, acceptedOne, got)
	}
	if got := reads.Load(); got > 0 {
		t.Errorf("%d reads of one byte for %d requests; want none", got, requests)
	}
}
