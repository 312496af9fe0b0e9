// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// maxPlainBody is the length in bytes of the largest body that plain sends. While net/http sends a larger body, it
	// already reads the response, so that it also gets a rejection such as 413 that the server sends early.
	maxPlainBody = 64 << 10
	// maxIdle is how long plain keeps a connection without a call. It is short, because plain does not notice if the
	// server closes the connection in the meantime; the next call on the connection would fail.
	maxIdle = time.Second
)

// plain sends requests over HTTP/1.1 without TLS: to a gateway or a service mesh that adds TLS on the way to Knock, and
// to the fake Knock of tests and benchmarks.
//
// The transport of net/http has two goroutines for each connection, and each call switches between three goroutines
// several times. plain writes the request and reads the response in the goroutine of the caller, which needs half of the
// CPU time. It never repeats a request.
type plain struct {
	addr   string // of the server
	prefix string // the path of the base URL
	host   []byte // the Host line
	dialer net.Dialer

	mu       sync.Mutex
	idle     []*plainConnection // in the order of their last calls
	cleaning bool               // whether a timer runs that closes idle connections
}

// newPlain returns nil if calls to the base URL need TLS, a proxy, or anything else that only net/http supports.
func newPlain(config Config) *plain {
	base, err := url.Parse(config.BaseURL)
	if err != nil || base.Scheme != "http" || base.User != nil || base.RawQuery != "" || base.Fragment != "" || base.Hostname() == "" {
		return nil
	}
	for _, text := range []string{base.Host, base.EscapedPath(), config.Branch, config.UserAgent} {
		if strings.ContainsFunc(text, unprintable) || strings.Contains(base.Host, "%") {
			return nil
		}
	}
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base}); proxy != nil || err != nil {
		return nil
	}
	port := base.Port()
	if port == "" {
		port = "80"
	}
	return &plain{
		addr: net.JoinHostPort(base.Hostname(), port), prefix: base.EscapedPath(), host: []byte(" HTTP/1.1\r\nHost: " + base.Host + "\r\n"),
		dialer: newDialer(),
	}
}

// send makes one attempt. If ctx ends first, it returns the error of ctx.
func (p *plain) send(ctx context.Context, request Request, header []byte, limit int) (received, error) {
	c, err := p.take(ctx)
	if err != nil {
		return received{}, err
	}
	stop := context.AfterFunc(ctx, c.interrupt)
	c.encode(p, request, header)
	r, reusable, err := c.exchange(limit)
	if reusable && stop() {
		p.put(c)
		return r, nil
	}
	stop()
	_ = c.Close()
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return r, err
}

// take returns the connection that was used last, or a new one.
func (p *plain) take(ctx context.Context) (*plainConnection, error) {
	if c := p.takeIdle(); c != nil {
		return c, nil
	}
	connection, err := p.dialer.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	return newPlainConnection(connection), nil
}

func (p *plain) takeIdle() *plainConnection {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 || clock().Sub(p.idle[last].usedAt) > maxIdle {
		return nil
	}
	c := p.idle[last]
	p.idle[last], p.idle = nil, p.idle[:last]
	return c
}

func (p *plain) put(c *plainConnection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.usedAt = clock()
	p.idle = append(p.idle, c)
	if !p.cleaning {
		p.cleaning = true
		time.AfterFunc(maxIdle, p.closeIdle)
	}
}

// closeIdle closes the connections that have been idle for too long, and runs again later if others are left.
func (p *plain) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, old := clock(), 0
	for old < len(p.idle) && now.Sub(p.idle[old].usedAt) > maxIdle {
		_ = p.idle[old].Close()
		old++
	}
	p.idle = append(p.idle[:0], p.idle[old:]...)
	clear(p.idle[len(p.idle):cap(p.idle)])
	if p.cleaning = len(p.idle) > 0; p.cleaning {
		time.AfterFunc(maxIdle, p.closeIdle)
	}
}

// clock returns the process's monotonic clock, by which connections age.
func clock() time.Time { return time.Now() } //nolint:forbidigo // see above
