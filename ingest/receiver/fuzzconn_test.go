// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// FuzzConnectionEndsAndHoldsNoMemory sends arbitrary bytes on a connection. It checks that each response has a
// documented status and does not contain the token, that the connection ends within a second after the sender has
// closed its side, and that no memory stays reserved.
func FuzzConnectionEndsAndHoldsNoMemory(f *testing.F) {
	for _, text := range []string{
		post(path, one),
		post(path, one) + post("/unknown", one) + post(path, "x"),
		begin(1000, 10),
		"POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n" + one + "\r\n0\r\n\r\n",
		"POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n{",
		"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{",
		"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\nContent-Length: 20\r\n\r\n" + one,
		"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08",
		"POST " + path + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 19\r\n\r\n" + one,
		"POST " + path + " HTTP/1.1\nHost: x\n\n",
		"POST " + path + " HTTP/9.9\r\n\r\n",
		"POST  " + path + "\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /%zz/" + token + " HTTP/1.1\r\nHost: x\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", // TLS
		"GET " + strings.Repeat("/", 70_000),
		strings.Repeat("\r\n", 1000),
		"",
	} {
		f.Add([]byte(text))
	}
	registry := prometheus.NewRegistry()
	address := serve(f, started(receiver.Options{MaxBody: 1 << 16, Metrics: registry}, new(fakeInbox).endpoint()))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := dial(t, address)
		defer w.Close()
		start := time.Now()
		go func() {
			_, _ = w.Write(data) // the server may close the connection first
			_ = w.Conn.(*net.TCPConn).CloseWrite()
		}()
		received, err := io.ReadAll(w.answers)
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || time.Since(start) > 2*time.Second {
			t.Fatalf("the connection is open after %s", time.Since(start))
		}
		if bytes.Contains(received, []byte(token)) {
			t.Fatalf("the token is in the response: %q", received)
		}
		checkResponses(t, received)
		awaitBodyBytes(t, registry, 0)
	})
}

// checkResponses checks the status of each response. The connection may have been reset within a response.
func checkResponses(t *testing.T, received []byte) {
	t.Helper()
	statuses := []int{100, 200, 400, 404, 405, 408, 413, 415, 417, 431, 501, 505}
	reader := bufio.NewReader(bytes.NewReader(received))
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			return
		}
		if !slices.Contains(statuses, response.StatusCode) {
			t.Fatalf("status %d", response.StatusCode)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return
		}
	}
}
