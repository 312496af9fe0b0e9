// SPDX-License-Identifier: Apache-2.0

package knock_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// scripted is a server that answers every request with the same bytes. It counts its connections.
type scripted struct {
	url         string
	connections atomic.Int32
}

func newScripted(t *testing.T, answer string) *scripted {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &scripted{url: "http://" + listener.Addr().String()}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			go answerAll(connection, answer)
		}
	}()
	return s
}

func answerAll(connection net.Conn, answer string) {
	defer func() { _ = connection.Close() }()
	reader := bufio.NewReader(connection)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		if _, err := io.WriteString(connection, answer); err != nil {
			return
		}
	}
}

func TestTheFormOfAResponseOverPlainHTTPDecidesOnTheConnection(t *testing.T) {
	for name, test := range map[string]struct {
		answer      string
		status      int // 0 if there is no complete response
		excerpt     string
		connections int32 // for two calls
	}{
		"a length":               {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", 1},
		"chunks with a trailer":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\nA: b\r\n\r\n", 200, "{}", 1},
		"no body":                {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", 1},
		"early hints before it":  {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", 1},
		"a request to close":     {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", 2},
		"HTTP/1.0":               {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", 2},
		"a rejection":            {"HTTP/1.1 422 Unprocessable\r\nContent-Length: 2\r\n\r\n{}", 422, "{}", 1},
		"bytes behind it":        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 500 Late\r\n", 200, "{}", 2},
		"an endless header":      {"HTTP/1.1 200 OK\r\nA: " + strings.Repeat("x", 3<<20) + "\r\n\r\n", 0, "", 2},
		"something else":         {"220 mail.example.com ESMTP\r\n", 0, "", 2},
		"a length and no number": {"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}", 0, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			server := newScripted(t, test.answer)
			caller := client(server.url)
			request, err := knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{"name":"Ann"}`), "u1")
			request = must(t, request, err)
			for range 2 {
				response, err := caller.Do(t.Context(), request)
				if response.Status != test.status || response.Excerpt != test.excerpt || (err == nil) != (test.status/100 == 2) {
					t.Errorf("status %d, %q: %v", response.Status, response.Excerpt, err)
				}
			}
			if got := server.connections.Load(); got != test.connections {
				t.Errorf("%d connections; want %d", got, test.connections)
			}
		})
	}
}

func TestACallOverPlainHTTPEndsAtItsDeadline(t *testing.T) {
	server := newScripted(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")
	request, err := knock.NewRequest(knock.DeleteUser, "u1")
	request = must(t, request, err)
	for range 2 { // the second call needs a connection of its own
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if _, err := client(server.url).Do(ctx, request); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v; want the deadline", err)
		}
		cancel()
	}
}

func TestAnEarlyRejectionOfALargeBodyIsReported(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge) // without reading the body
	}))
	defer server.Close()
	body := []byte(`{"text":"` + strings.Repeat("x", 4<<20) + `"}`)
	request, err := knock.NewRequestWithBody(knock.IdentifyUser, body, "u1")
	_, err = client(server.URL).Do(t.Context(), must(t, request, err))
	if rejected, ok := errors.AsType[*knock.Error](err); !ok || rejected.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("%v; want 413", err)
	}
}

func TestThePathOfTheBaseURLAndTheNameOfTheHostReachTheGateway(t *testing.T) {
	var target, host atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		target.Store(r.RequestURI)
		host.Store(r.Host)
	}))
	defer server.Close()
	base := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	request, err := knock.NewRequest(knock.DeleteUser, "a+b c")
	if _, err := client(base+"/knock%20api").Do(t.Context(), must(t, request, err)); err != nil {
		t.Fatal(err)
	}
	if target.Load() != "/knock%20api/v1/users/a%2Bb%20c" || "http://"+host.Load().(string) != base {
		t.Errorf("got %v at %v", target.Load(), host.Load())
	}
}

// A server may close a connection that has been idle for some seconds, and the client would notice only at the next
// call.
func TestAConnectionThatWasIdleForASecondIsNotUsedAgain(t *testing.T) {
	server := newScripted(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	synctest.Test(t, func(t *testing.T) {
		caller := client(server.url)
		request, err := knock.NewRequest(knock.DeleteUser, "u1")
		request = must(t, request, err)
		for i, want := range []int32{1, 1, 2} {
			if _, err := caller.Do(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			if got := server.connections.Load(); got != want {
				t.Errorf("%d connections; want %d", got, want)
			}
			time.Sleep([]time.Duration{900 * time.Millisecond, 1100 * time.Millisecond, 3 * time.Second}[i])
		}
	})
}
