// SPDX-License-Identifier: Apache-2.0

package knock_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// The transport of net/http can repeat a request by itself, but only on a connection that it has used before. Therefore
// the test sends each request twice.
func TestOneAttemptReachesKnockOnce(t *testing.T) {
	for name, end := range map[string]func(*net.TCPConn) error{
		"when the connection is reset":  func(c *net.TCPConn) error { return errors.Join(c.SetLinger(0), c.Close()) },
		"when the connection is closed": func(c *net.TCPConn) error { return c.Close() },
	} {
		for _, request := range every(t) {
			if request.Method == http.MethodGet {
				continue // the transport may repeat it, since it changes nothing
			}
			t.Run(string(request.Endpoint)+" "+name, func(t *testing.T) {
				server := newHangUp(t, end)
				caller := client("http://" + server.listener.Addr().String())
				if _, err := caller.Do(t.Context(), request); err != nil {
					t.Fatal(err)
				}
				_, err := caller.Do(t.Context(), request)
				if got := server.requests.Load(); got != 2 || err == nil {
					t.Errorf("the second attempt reached the server %d times: %v", got-1, err)
				}
			})
		}
	}
}

// hangUp responds to the first request on a connection, reads the second one, and closes the connection without a
// response.
type hangUp struct {
	listener net.Listener
	end      func(*net.TCPConn) error
	requests atomic.Int32
	done     sync.WaitGroup
}

func newHangUp(t *testing.T, end func(*net.TCPConn) error) *hangUp {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &hangUp{listener: listener, end: end}
	server.done.Go(server.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		server.done.Wait()
	})
	return server
}

func (s *hangUp) accept() {
	for {
		connection, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.done.Go(func() { s.serve(connection.(*net.TCPConn)) })
	}
}

func (s *hangUp) serve(connection *net.TCPConn) {
	defer func() { _ = s.end(connection) }()
	reader := bufio.NewReader(connection)
	for first := true; ; first = false {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		s.requests.Add(1)
		if !first {
			return
		}
		if _, err := io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
			return
		}
	}
}

// connectionKey is the context key of a request's connection.
type connectionKey struct{}

func TestOneAttemptReachesKnockOnceOverHTTP2(t *testing.T) {
	for name, end := range map[string]func(*http.Request){
		"when the stream is reset":      func(*http.Request) { panic(http.ErrAbortHandler) },
		"when the connection is closed": func(r *http.Request) { _ = r.Context().Value(connectionKey{}).(net.Conn).Close() },
	} {
		for _, request := range every(t) {
			t.Run(string(request.Endpoint)+" "+name, func(t *testing.T) {
				var requests atomic.Int32
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if requests.Add(1) > 1 {
						end(r)
					}
					_, _ = io.WriteString(w, "{}")
				}))
				server.EnableHTTP2 = true
				server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
					return context.WithValue(ctx, connectionKey{}, c)
				}
				server.StartTLS()
				defer server.Close()
				caller := overTLS(server)
				if _, err := caller.Do(t.Context(), request); err != nil {
					t.Fatal(err)
				}
				_, err := caller.Do(t.Context(), request)
				if got := requests.Load(); got != 2 || err == nil {
					t.Errorf("the second attempt reached the server %d times: %v", got-1, err)
				}
			})
		}
	}
}

// overTLS returns a client with the production transport that trusts the server.
func overTLS(server *httptest.Server) *knock.Client {
	transport := knock.NewTransport()
	trusting := server.Client().Transport.(*http.Transport).TLSClientConfig
	transport.TLSClientConfig = &tls.Config{RootCAs: trusting.RootCAs, MinVersion: tls.VersionTLS12}
	return knock.New(knock.Config{
		BaseURL: server.URL, Transport: transport, APIKey: func() string { return knocktest.APIKey },
	})
}

func TestManyCallsShareOneConnection(t *testing.T) {
	var protocol atomic.Value
	var connections sync.Map
	fake := knocktest.Handler()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol.Store(r.Proto)
		connections.Store(r.RemoteAddr, true)
		fake.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	caller := overTLS(server)
	request, err := knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{}`), "u1")
	request = must(t, request, err)
	if _, err := caller.Do(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for range 256 {
		calls.Go(func() {
			if _, err := caller.Do(t.Context(), request); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	count := 0
	connections.Range(func(any, any) bool { count++; return true })
	if protocol.Load() != "HTTP/2.0" || count > 4 {
		t.Errorf("%v over %d connections", protocol.Load(), count)
	}
}
