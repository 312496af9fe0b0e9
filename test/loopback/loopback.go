// SPDX-License-Identifier: Apache-2.0

// Package loopback finds addresses for processes that tests start.
package loopback

import (
	"net"
	"testing"
)

// FreeAddress is an address, host:port, of 127.0.0.1 where nobody listens.
func FreeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		tb.Fatalf("loopback: %v", err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// FreePort is the port of a FreeAddress.
func FreePort(tb testing.TB) string {
	tb.Helper()
	_, port, err := net.SplitHostPort(FreeAddress(tb))
	if err != nil {
		tb.Fatalf("loopback: %v", err)
	}
	return port
}
