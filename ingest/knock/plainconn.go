// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxResponseHeader is the most bytes that plain reads before the body of a response.
	maxResponseHeader = 256 << 10
	// maxKeptRequest is the most bytes of memory that an idle connection keeps for its next request.
	maxKeptRequest = 16 << 10
)

// plainConnection is one connection. One call at a time uses it.
type plainConnection struct {
	net.Conn

	unread    io.LimitedReader // bounds what the server can make the client read
	reader    *bufio.Reader    // reads from unread
	request   []byte
	interrupt func() // ends the current call with an error
	usedAt    time.Time
}

func newPlainConnection(connection net.Conn) *plainConnection {
	c := &plainConnection{Conn: connection, unread: io.LimitedReader{R: connection}}
	c.reader = bufio.NewReader(&c.unread)
	c.interrupt = func() { _ = connection.SetDeadline(time.Unix(1, 0)) }
	return c
}

// encode sets the bytes of the next request.
func (c *plainConnection) encode(p *plain, request Request, header []byte) {
	if cap(c.request) > maxKeptRequest {
		c.request = nil
	}
	b := append(c.request[:0], request.Method...)
	b = append(append(append(b, ' '), p.prefix...), request.Path...)
	b = append(append(b, p.host...), header...)
	if request.IdempotencyKey != "" {
		b = append(append(append(b, "Idempotency-Key: "...), request.IdempotencyKey...), "\r\n"...)
	}
	if request.Body != nil {
		b = append(b, "Content-Type: application/json\r\n"...)
	}
	if request.Body != nil || request.Method != http.MethodGet && request.Method != http.MethodDelete {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(request.Body)), 10), "\r\n"...)
	}
	c.request = append(append(b, "\r\n"...), request.Body...)
}

// exchange sends the request and reads the response with at most limit bytes of its body. reusable reports whether the
// connection can be used for another call.
func (c *plainConnection) exchange(limit int) (r received, reusable bool, err error) {
	if _, err := c.Write(c.request); err != nil {
		return received{}, false, err
	}
	c.unread.N = int64(maxResponseHeader + limit + maxDrain)
	response, err := c.readHeader()
	if err != nil {
		return received{}, false, err
	}
	body, complete, err := read(response, limit) // not Body.Close, which would read an endless body
	reusable = complete && !response.Close && c.reader.Buffered() == 0
	return received{response.StatusCode, response.Header, body}, reusable, err
}

// readHeader reads the header of the response and skips responses such as 103 that precede it.
func (c *plainConnection) readHeader() (*http.Response, error) {
	for {
		response, err := http.ReadResponse(c.reader, nil)
		if err != nil && errors.Is(err, io.ErrUnexpectedEOF) && c.unread.N <= 0 {
			return nil, errors.New("the header of the response is too long")
		}
		if err != nil || response.StatusCode >= http.StatusOK {
			return response, err
		}
	}
}
