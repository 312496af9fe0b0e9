// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"bufio"
	"net"
	"testing"
)

const successResponse = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 59\r\n\r\n" +
	`{"workflow_run_id":"00000000-0000-4000-8000-000000000001"}` + "\n"

// startKnock starts a minimal Knock API that answers every request at once with a success, and returns its address. It costs almost
// no CPU time, because it runs on the machine that is measured.
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

// serveKnock answers each request on the connection as soon as it has read the whole request.
func serveKnock(connection net.Conn) {
	defer func() { _ = connection.Close() }()
	requests := bufio.NewReader(connection)
	for {
		length, err := readHeader(requests)
		if err == nil {
			_, err = requests.Discard(length)
		}
		if err == nil {
			_, err = connection.Write([]byte(successResponse))
		}
		if err != nil {
			return
		}
	}
}
