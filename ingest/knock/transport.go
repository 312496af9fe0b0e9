// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// maxConnections holds the busiest client over HTTP/1.1, where a call has a connection for itself; over HTTP/2 they share
// a few.
const maxConnections = 256

// NewTransport makes the transport for calls from one process to one host: up to 256 at once, HTTP/2 where TLS offers
// it, proxies as the environment names them.
func NewTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   5 * time.Second,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          maxConnections,
		MaxIdleConnsPerHost:   maxConnections,
		IdleConnTimeout:       30 * time.Second, // before a load balancer's usual minute, so that it never closes first
		ResponseHeaderTimeout: 30 * time.Second,
		// A connection that went silent is found in seconds; otherwise every call on it would run into its deadline.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
}
