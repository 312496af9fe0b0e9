// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// maxConnections is enough for the busiest client over HTTP/1.1, where each concurrent call needs its own connection.
// Over HTTP/2, calls share a few connections.
const maxConnections = 256

// NewTransport returns a transport for calls from one process to one host. It keeps up to 256 connections, uses HTTP/2
// if the server offers it over TLS, and uses the proxy from the environment variables HTTP_PROXY, HTTPS_PROXY and
// NO_PROXY. The context of a call limits how long the call waits for the response.
func NewTransport() *http.Transport {
	dialer := newDialer()
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        maxConnections,
		MaxIdleConnsPerHost: maxConnections,
		IdleConnTimeout:     30 * time.Second, // shorter than the usual minute of a load balancer, so that the client closes first
		// Pings detect a dead connection within seconds. Without them, every call on it would run until its deadline.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
	}
}

func newDialer() net.Dialer { return net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second} }
