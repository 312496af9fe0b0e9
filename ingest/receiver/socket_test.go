// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// wire is a connection on which a test can write arbitrary bytes.
type wire struct {
	net.Conn
	answers *bufio.Reader
}

func dial(t testing.TB, address string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &wire{conn, bufio.NewReader(conn)}
}

func (w *wire) write(t testing.TB, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

// read returns one answer, and reports whether the server announces that it closes the connection.
func (w *wire) read(t testing.TB) (got answer, closes bool) {
	t.Helper()
	response, err := http.ReadResponse(w.answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, strings.TrimSuffix(string(body), "\n")}, response.Close
}

// ended fails the test unless the server has closed the connection.
func (w *wire) ended(t testing.TB) {
	t.Helper()
	if n, err := w.answers.Read(make([]byte, 1)); n != 0 || errors.Is(err, net.ErrClosed) || err == nil {
		t.Errorf("still open: read %d bytes, %v", n, err)
	} else if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		t.Error("still open")
	}
}

func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

func TestIncompleteBodyGetsStatus408(t *testing.T) {
	late := rejected(408, "incomplete_request", "the request did not arrive completely within 200ms")
	broken := rejected(408, "incomplete_request", "the request is incomplete: its body ends too early or is malformed")
	for name, tc := range map[string]struct {
		text        string
		disconnects bool
		want        answer
	}{
		"a body that ends early":          {"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\n{", false, late},
		"a body that never starts":        {"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\n", false, late},
		"a chunk that ends early":         {"POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n{", false, late},
		"chunks without an end":           {"POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n" + one + "\r\n", false, late},
		"no body after 100 Continue":      {"POST " + path + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 19\r\n\r\n", false, answer{Status: 100}},
		"a sender that disconnects early": {"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\n{", true, broken},
		"an invalid chunk":                {"POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n", false, broken},
	} {
		t.Run(name, func(t *testing.T) {
			b := new(fakeInbox)
			w := dial(t, serve(t, started(receiver.Options{RequestTimeout: 200 * time.Millisecond}, b.endpoint())))
			w.write(t, tc.text)
			if tc.disconnects {
				_ = w.Conn.(*net.TCPConn).CloseWrite()
			}
			got, closes := w.read(t)
			check(t, tc.want, got)
			if got.Status == http.StatusContinue {
				got, closes = w.read(t)
				check(t, late, got)
			}
			if !closes {
				t.Error("the response does not close the connection")
			}
			w.ended(t)
			if len(b.accepted()) > 0 {
				t.Error("an event was accepted")
			}
		})
	}
}

func TestIncompleteHeaderGetsStatus408(t *testing.T) {
	for name, tc := range map[string]struct {
		text        string
		disconnects bool
	}{
		"in the method":                  {"PO", false},
		"in the path":                    {"POST /production/ruddersta", false},
		"after the first line":           {"POST " + path + " HTTP/1.1\r\n", false},
		"in the name":                    {"POST " + path + " HTTP/1.1\r\nHost: x\r\nX-", false},
		"in the value":                   {"POST " + path + " HTTP/1.1\r\nHost: x\r\nX-A: b", false},
		"after a header":                 {"POST " + path + " HTTP/1.1\r\nHost: x\r\n", false},
		"after a complete request":       {post(path, one) + "POST " + path + " HTTP/1.1\r\nHost: x\r\nX-", false},
		"with a sender that disconnects": {"POST " + path + " HTTP/1.1\r\nHost: x\r\nX-", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, serve(t, started(receiver.Options{HeaderTimeout: 100 * time.Millisecond}, new(fakeInbox).endpoint())))
			w.write(t, tc.text)
			if tc.disconnects {
				_ = w.Conn.(*net.TCPConn).CloseWrite()
			}
			got, closes := w.read(t)
			if got.Status == http.StatusOK {
				got, closes = w.read(t)
			}
			check(t, rejected(408, "incomplete_request", "the request is incomplete: its header ends too early"), got)
			if !closes {
				t.Error("the response does not close the connection")
			}
			w.ended(t)
		})
	}
}

func TestConnectionWithoutARequestIsClosedWithoutAResponse(t *testing.T) {
	w := dial(t, serve(t, started(receiver.Options{HeaderTimeout: 100 * time.Millisecond}, new(fakeInbox).endpoint())))
	w.ended(t)
}

func TestARequestThatIsNotValidHTTPIsRejectedAndCounted(t *testing.T) {
	malformed := func(status int, description string) answer {
		return rejected(status, "malformed_request", "the request is malformed: "+description)
	}
	for name, tc := range map[string]struct {
		text string
		want answer
	}{
		"a line that is no header": {"POST " + path + " HTTP/1.1\r\nHost: x\r\nno header\r\n\r\n", malformed(400, "Bad Request")},
		"an invalid host":          {"POST " + path + " HTTP/1.1\r\nHost: x y\r\n\r\n", malformed(400, "Bad Request: malformed Host header")},
		"a transfer encoding that does not exist": {
			"POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", malformed(501, "Not Implemented"),
		},
		"HTTP/3.0": {"POST " + path + " HTTP/3.0\r\nHost: x\r\n\r\n", malformed(505, "HTTP Version Not Supported: unsupported protocol version")},
		"a header that is too large": {
			"POST " + path + " HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 80<<10) + "\r\n\r\n",
			rejected(431, "header_too_large", "the header of the request is larger than 64 KiB"),
		},
		"a header that never ends": {"POST", rejected(408, "incomplete_request", "the request is incomplete: its header ends too early")},
	} {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			r := started(receiver.Options{HeaderTimeout: 200 * time.Millisecond, Metrics: registry}, new(fakeInbox).endpoint())
			w := dial(t, serve(t, r))
			w.write(t, tc.text)
			got, closes := w.read(t)
			check(t, tc.want, got)
			if !closes {
				t.Error("the response does not close the connection")
			}
			entries := r.Rejections("", 10)
			if len(entries) != 1 || entries[0].Status != tc.want.Status || entries[0].Address != "127.0.0.1" || entries[0].Size != -1 ||
				!strings.Contains(tc.want.Body, entries[0].Reason) {
				t.Errorf("rejections %+v; want one like the response, from 127.0.0.1", entries)
			}
			if count, err := testutil.GatherAndCount(registry, "doorbell_receive_rejections_total"); err != nil || count != 1 {
				t.Errorf("the metric of rejections has %d codes, %v; want 1", count, err)
			}
		})
	}
}

func TestConnectionStaysOpenAfterRejections(t *testing.T) {
	w := dial(t, serve(t, started(receiver.Options{}, new(fakeInbox).endpoint())))
	long := strings.Repeat(" ", 200<<10)
	requests := []struct {
		text string
		want int
	}{
		{post("/unknown", one), 404},
		{post("/unknown", long), 404},
		{strings.Replace(post(path, one), "POST", "GET", 1), 405},
		{post(path, "x"), 400},
		{strings.Replace(post(path, one), "Host: x", "Host: x\r\nContent-Encoding: br", 1), 415},
		{"POST /unknown HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n" + one + "\r\n0\r\n\r\n", 404},
		{post(path, one), 200},
	}
	var all strings.Builder // pipelined: all requests are written before the first response is read
	for _, request := range requests {
		all.WriteString(request.text)
	}
	w.write(t, all.String())
	for i, request := range requests {
		got, closes := w.read(t)
		if got.Status != request.want || closes {
			t.Errorf("request %d: got %v, closes %v; want %d", i, got, closes, request.want)
		}
	}
}

func TestRejectionDoesNotWaitForTheBody(t *testing.T) {
	for name, tc := range map[string]struct {
		text string
		want int
	}{
		"a slow body":                     {"POST /unknown HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\n\r\n{", 404},
		"a long body":                     {"POST /unknown HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n{", 404},
		"a body over the limit":           {"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 26214401\r\n\r\n{", 413},
		"a body that awaits 100 Continue": {"POST /unknown HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 19\r\n\r\n", 404},
		"a slow chunk":                    {"POST /unknown HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n{", 404},
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, serve(t, started(receiver.Options{}, new(fakeInbox).endpoint())))
			start := time.Now()
			w.write(t, tc.text)
			got, closes := w.read(t)
			if got.Status != tc.want || !closes {
				t.Errorf("got %v, closes %v; want %d", got, closes, tc.want)
			}
			if took := time.Since(start); took > 5*time.Second { // half of the time that the body may take
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestUnusualRequestsAreHandled(t *testing.T) {
	for name, tc := range map[string]struct {
		text   string
		want   int
		closes bool
	}{
		"HTTP/1.0":                          {strings.Replace(post(path, one), "HTTP/1.1", "HTTP/1.0", 1), 200, true},
		"HTTP/1.0 with keep-alive":          {strings.Replace(post(path, one), "HTTP/1.1\r\n", "HTTP/1.0\r\nConnection: keep-alive\r\n", 1), 200, false},
		"HTTP/1.0 without a length":         {"POST " + path + " HTTP/1.0\r\n\r\n" + one, 400, true},
		"an absolute URL in the request":    {post("http://x"+path, one), 200, false},
		"a sender that awaits 100 Continue": {strings.Replace(post(path, one), "Host: x", "Host: x\r\nExpect: 100-continue", 1), 100, false},
		"OPTIONS *":                         {"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, false},
		"headers below the size limit":      {strings.Replace(post(path, one), "Host: x", "Host: x\r\nX-A: "+strings.Repeat("a", 60<<10), 1), 200, false},
		"headers above the size limit":      {strings.Replace(post(path, one), "Host: x", "Host: x\r\nX-A: "+strings.Repeat("a", 80<<10), 1), 431, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := dial(t, serve(t, started(receiver.Options{}, new(fakeInbox).endpoint())))
			w.write(t, tc.text)
			got, closes := w.read(t)
			if got.Status != tc.want || closes != tc.closes {
				t.Errorf("got %v, closes %v; want %d, %v", got, closes, tc.want, tc.closes)
			}
			if got.Status == http.StatusContinue {
				got, _ = w.read(t)
				check(t, answer{200, `{"accepted":1,"duplicates":0}`}, got)
			}
		})
	}
}

func TestSenderThatClosesItsSideGetsAResponse(t *testing.T) {
	b := new(fakeInbox)
	w := dial(t, serve(t, started(receiver.Options{}, b.endpoint())))
	w.write(t, post(path, one))
	_ = w.Conn.(*net.TCPConn).CloseWrite()
	got, _ := w.read(t)
	check(t, answer{200, `{"accepted":1,"duplicates":0}`}, got)
}
