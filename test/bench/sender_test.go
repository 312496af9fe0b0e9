// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
)

// users is the number of different users in the events.
const users = 50_000

// sender posts events over one connection. It writes prepared bytes to the socket instead of using net/http, because it shares the
// machine with the process that is measured.
type sender struct {
	connection net.Conn
	responses  *bufio.Reader
	request    []byte
	messageID  []byte // the digits of the message ID, within request
	userID     []byte // the digits of the user ID, within request
}

// serial numbers the events, so that no event of this process is a duplicate.
var serial atomic.Int64

// event is a track event as RudderStack's JavaScript SDK sends it, 1.1 KB long.
const event = `{"anonymousId":"f3b0c442-98fc-4c14-9afb-f4c8996fb924","channel":"web","context":{"app":{"name":"RudderLabs JavaScript SDK",` +
	`"namespace":"com.rudderlabs.javascript","version":"3.34.1"},"ip":"203.0.113.50","library":{"name":"RudderLabs JavaScript SDK",` +
	`"version":"3.34.1"},"locale":"en-US","page":{"path":"/checkout","referrer":"$direct","search":"","title":"Checkout",` +
	`"url":"https://app.example.com/checkout"},"sessionId":1763888000123,"timezone":"GMT+0100","userAgent":"Mozilla/5.0 (X11; Linux x86_64) ` +
	`AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"},"event":"Order Completed","integrations":{"All":true},` +
	`"messageId":"message-000000000000","originalTimestamp":"2026-11-23T09:20:01.100Z","properties":{"currency":"EUR","order_id":"ord_77",` +
	`"products":[{"price":21.25,"product_id":"p1","quantity":1},{"price":4.5,"product_id":"p2","quantity":3}],"revenue":34.75},` +
	`"receivedAt":"2026-11-23T09:20:01.282Z","request_ip":"203.0.113.50","rudderId":"a8d42f09-79ba-4c11-b591-8a537e65eb37",` +
	`"sentAt":"2026-11-23T09:20:01.102Z","timestamp":"2026-11-23T09:20:01.280Z","type":"track","userId":"user-000000000000"}`

func dial(b *testing.B, t target) *sender {
	b.Helper()
	connection, err := net.Dial("tcp", t.addr)
	if err != nil {
		b.Fatal(err)
	}
	request := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nUser-Agent: RudderLabs\r\n"+
		"Accept-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", t.path, t.addr, len(event), event)
	return &sender{
		connection: connection, responses: bufio.NewReader(connection), request: request,
		messageID: digits(request, "message-"), userID: digits(request, "user-"),
	}
}

// digits returns the twelve digits after the prefix.
func digits(request []byte, prefix string) []byte {
	at := bytes.Index(request, []byte(prefix)) + len(prefix)
	return request[at : at+12]
}

// setNumber writes n into the digits, with leading zeros.
func setNumber(digits []byte, n int64) {
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
}

// post sends a new event and waits for the response 200.
func (s *sender) post() error {
	n := serial.Add(1)
	setNumber(s.messageID, n)
	setNumber(s.userID, n%users)
	if _, err := s.connection.Write(s.request); err != nil {
		return err
	}
	return s.readResponse()
}

func (s *sender) readResponse() error {
	status, err := s.responses.Peek(len("HTTP/1.1 200"))
	if err != nil {
		return err
	}
	if string(status) != "HTTP/1.1 200" {
		return fmt.Errorf("got response %q; want HTTP/1.1 200", status)
	}
	length, err := readHeader(s.responses)
	if err == nil {
		_, err = s.responses.Discard(length)
	}
	return err
}

// readHeader reads the header of a request or response and returns the length of its body.
func readHeader(from *bufio.Reader) (length int, err error) {
	for {
		line, err := from.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return length, err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}

func (s *sender) close() { _ = s.connection.Close() }
