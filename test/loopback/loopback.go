// SPDX-License-Identifier: Apache-2.0

// Package loopback finds free addresses for the processes that tests start. Another process may take an address before the test's
// process listens on it, so a test that can should listen on port 0 instead. Only tests may import it.
package loopback

import (
	"net"
	"testing"
)

// FreeAddress returns an address of 127.0.0.1, host:port, on which no process listens at present.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		tb.Fatalf("loopback: %v", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// FreePort returns the port of a free address of 127.0.0.1.
func FreePort(tb testing.TB) string {
	tb.Helper()
	_, port, err := net.SplitHostPort(FreeAddress(tb))
	if err != nil {
		tb.Fatalf("loopback: %v", err)
	}
	return port
}
