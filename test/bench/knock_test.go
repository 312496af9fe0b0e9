// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"bufio"
	"net"
	"testing"
)

const taken = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 59\r\n\r\n" +
	`{"workflow_run_id":"00000000-0000-4000-8000-000000000001"}` + "\n"

// startKnock starts a Knock that takes everything at once, at next to no cost, and returns its address.
func startKnock(b *testing.B) (addr string) {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go serveKnock(connection)
		}
	}()
	return listener.Addr().String()
}

// serveKnock answers each request once its last byte is there.
func serveKnock(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	requests := bufio.NewReader(connection)
	for {
		length, err := header(requests)
		if err == nil {
			_, err = requests.Discard(length)
		}
		if err == nil {
			_, err = connection.Write([]byte(taken))
		}
		if err != nil {
			return
		}
	}
}
