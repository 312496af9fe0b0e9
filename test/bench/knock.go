// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const successResponse = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 59\r\n\r\n" +
	`{"workflow_run_id":"00000000-0000-4000-8000-000000000001"}` + "\n"

// busyDelay is how long Knock takes to respond to a call for the busy user.
const busyDelay = 20 * time.Millisecond

// fakeKnock is a minimal Knock API that answers every request at once with a success, except those for the hanging user
// and the busy user. It costs almost no CPU time, because it runs on the machine that is measured.
type fakeKnock struct {
	ctx   context.Context //nolint:containedctx // the connections end with the server
	addr  string
	calls atomic.Int64 // except those for the hanging user and the busy user

	mutex     sync.Mutex
	latencies []time.Duration // from the time at which each event should have been sent until its call arrived
}

func startKnock(ctx context.Context) (*fakeKnock, error) {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	k := &fakeKnock{ctx: ctx, addr: listener.Addr().String()}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go k.serve(connection)
		}
	}()
	return k, nil
}

// serve answers the requests on one connection.
func (k *fakeKnock) serve(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	defer context.AfterFunc(k.ctx, func() { _ = connection.Close() })()
	requests := bufio.NewReaderSize(connection, 64<<10)
	for {
		length, err := readHeader(requests)
		if err != nil {
			return
		}
		body, err := requests.Peek(min(length, requests.Size()))
		if err != nil {
			return
		}
		k.handle(body)
		if _, err := requests.Discard(length); err != nil {
			return
		}
		if _, err := connection.Write([]byte(successResponse)); err != nil {
			return
		}
	}
}

// handle waits as long as the user of the call requires, and records the latency of every other user. body can be the
// beginning only.
func (k *fakeKnock) handle(body []byte) {
	now := time.Now()
	switch {
	case bytes.Contains(body, []byte(userName(hangingUser))):
		<-k.ctx.Done()
		return
	case bytes.Contains(body, []byte(userName(busyUser))):
		wait(k.ctx, busyDelay)
		return
	}
	k.calls.Add(1)
	_, rest, ok := bytes.Cut(body, []byte(sentPrefix))
	if !ok || len(rest) < sentDigits {
		return
	}
	if sent, err := strconv.ParseInt(string(rest[:sentDigits]), 10, 64); err == nil {
		k.mutex.Lock()
		defer k.mutex.Unlock()
		k.latencies = append(k.latencies, now.Sub(time.Unix(0, sent)))
	}
}

// takeLatencies returns the latencies since the last call, in ascending order.
func (k *fakeKnock) takeLatencies() []time.Duration {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	taken := k.latencies
	k.latencies = nil
	slices.Sort(taken)
	return taken
}

// wait waits for a duration, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
