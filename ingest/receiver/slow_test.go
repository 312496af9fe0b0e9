// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

var acceptedOne = answer{200, `{"accepted":1,"duplicates":0}`}

// begin returns the beginning of a request: its header, which announces length bytes, and the first bytes of its body.
func begin(length, arrived int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, length, pad(length)[:arrived])
}

// awaitBodyBytes waits until the bodies in flight use this much memory.
func awaitBodyBytes(t *testing.T, registry *prometheus.Registry, want float64) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range families {
			if family.GetName() == "doorbell_receive_body_bytes" && family.GetMetric()[0].GetGauge().GetValue() == want {
				return
			}
		}
		runtime.Gosched()
	}
	t.Fatalf("the bodies in flight never use %v bytes", want)
}

func TestTwoThousandClientsThatNeverFinishTheirBodyLeaveOthersUnaffected(t *testing.T) {
	const slow, honest = 2000, 200
	registry := prometheus.NewRegistry()
	address := serve(t, started(receiver.Options{Metrics: registry}, new(fakeInbox).endpoint()))
	for range slow {
		dial(t, address).write(t, begin(100_000, 1))
	}
	awaitBodyBytes(t, registry, slow*4096)
	start := time.Now()
	var group sync.WaitGroup
	for range honest {
		group.Go(func() {
			got, _ := send(t, address, sent{body: pad(100_000)})
			check(t, acceptedOne, got)
		})
	}
	group.Wait()
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("%d requests took %s", honest, took)
	}
	awaitBodyBytes(t, registry, slow*4096)
}

func TestSlowSendersDoNotCountAsRequestsInFlight(t *testing.T) {
	address := serve(t, started(receiver.Options{MaxInFlight: 1}, new(fakeInbox).endpoint()))
	slow := make([]*wire, 10)
	for i := range slow {
		slow[i] = dial(t, address)
		slow[i].write(t, begin(1000, 1))
	}
	got, _ := send(t, address, sent{body: one})
	check(t, acceptedOne, got)
	for _, w := range slow {
		w.write(t, pad(1000)[1:])
		got, _ = w.read(t)
		check(t, acceptedOne, got)
	}
}

func TestSlowSendersLoseFirstWhenMemoryIsShort(t *testing.T) {
	const slowBytes = 16384 // the size of the buffer after 5,000 bytes have arrived
	const memory = 4 * (largeBody + 4096)
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	registry := prometheus.NewRegistry()
	address := serve(t, started(receiver.Options{MaxBody: largeBody, MaxMemory: 1, Metrics: registry, Now: now}, new(fakeInbox).endpoint()))
	slow := make([]*wire, memory/slowBytes-1)
	for i := range slow {
		slow[i] = dial(t, address)
		slow[i].write(t, begin(largeBody, 5000))
		awaitBodyBytes(t, registry, float64((i+1)*slowBytes))
	}
	got, _ := send(t, address, sent{body: pad(largeBody)})
	check(t, busy, got) // none of the others is slow yet

	ahead.Store(int64(2 * time.Second))
	for range 3 {
		got, _ = send(t, address, sent{body: pad(largeBody)})
		check(t, acceptedOne, got)
	}
	got, closes := slow[0].read(t)
	check(t, rejected(429, "overloaded", "the body arrived too slowly while memory was short; retry later"), got)
	if !closes {
		t.Error("the response to the slow sender does not close the connection")
	}
	last := slow[len(slow)-1]
	last.write(t, pad(largeBody)[5000:])
	got, _ = last.read(t)
	check(t, acceptedOne, got)
}

func TestLargeHeadersUseTheMemoryOfBodies(t *testing.T) {
	const size, free = 40_000, 8 << 10
	registry := prometheus.NewRegistry()
	address := serve(t, started(receiver.Options{MaxBody: largeBody, MaxMemory: 1, Metrics: registry}, new(fakeInbox).endpoint()))
	header := "POST " + path + " HTTP/1.1\r\nHost: x\r\nX-Large: "
	header += strings.Repeat("x", size-len(header))
	first, second := dial(t, address), dial(t, address)
	for i, w := range []*wire{first, second} {
		w.write(t, header)
		awaitBodyBytes(t, registry, float64((i+1)*(size-free)))
	}
	third := dial(t, address)
	third.write(t, header)
	got, closes := third.read(t)
	check(t, rejected(408, "incomplete_request", "the request is incomplete: its header ends too early"), got)
	if !closes {
		t.Error("the response does not close the connection")
	}
	_ = second.Close()
	awaitBodyBytes(t, registry, size-free)
	first.write(t, "\r\nContent-Length: 19\r\n\r\n"+one)
	got, _ = first.read(t)
	check(t, acceptedOne, got)
	awaitBodyBytes(t, registry, 0)
}

func TestQuietestConnectionIsClosedWhenTooManyAreOpen(t *testing.T) {
	const limit = 8
	g := newGate()
	address := serve(t, started(receiver.Options{MaxConnections: limit}, new(fakeInbox).endpoint(g.hold)))
	working := dial(t, address)
	working.write(t, post(path, one))
	<-g.entered
	quiet := make([]*wire, limit-1)
	for i := range quiet {
		quiet[i] = dial(t, address)
		quiet[i].write(t, post("/unknown", one)) // the response shows that the server has seen the connection
		quiet[i].read(t)
	}
	for _, w := range quiet[:3] {
		dial(t, address).write(t, begin(1000, 1))
		w.ended(t)
	}
	close(g.opened)
	got, _ := working.read(t)
	check(t, acceptedOne, got)
	quiet[3].write(t, post(path, one))
	got, _ = quiet[3].read(t)
	check(t, acceptedOne, got)
}

// fullListener is a listener whose next Accept fails as if the process had no file descriptor left.
type fullListener struct {
	net.Listener
	full atomic.Bool
}

func (l *fullListener) Accept() (net.Conn, error) {
	if l.full.Swap(false) {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}

func TestQuietestConnectionIsClosedWhenFileDescriptorsRunOut(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	full := &fullListener{Listener: inner}
	listener := receiver.New(receiver.Options{}).Listener(full)
	client := dial(t, inner.Addr().String())
	if _, err := listener.Accept(); err != nil {
		t.Fatal(err)
	}
	full.full.Store(true)
	if _, err := listener.Accept(); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("Accept returns %v", err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is still open: %v", err)
	}
}
