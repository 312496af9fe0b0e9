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

// users is how many users the events are of.
const users = 50_000

// sender posts events over one connection. It is as cheap as can be, for it takes its share of the machine.
type sender struct {
	connection net.Conn
	answers    *bufio.Reader
	request    []byte
	messageID  []byte // where they stand in the request
	userID     []byte
}

// serial makes each event another one, for as long as the process runs.
var serial atomic.Int64

// event is an order as RudderStack's JavaScript SDK sends it, of 1.1 KB.
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
		connection: connection, answers: bufio.NewReader(connection), request: request,
		messageID: digits(request, "message-"), userID: digits(request, "user-"),
	}
}

// digits are the twelve after the prefix.
func digits(request []byte, prefix string) []byte {
	at := bytes.Index(request, []byte(prefix)) + len(prefix)
	return request[at : at+12]
}

func number(digits []byte, n int64) {
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
}

// post sends a new event and returns when it is taken.
func (s *sender) post() error {
	n := serial.Add(1)
	number(s.messageID, n)
	number(s.userID, n%users)
	if _, err := s.connection.Write(s.request); err != nil {
		return err
	}
	return s.answered()
}

func (s *sender) answered() error {
	status, err := s.answers.Peek(len("HTTP/1.1 200"))
	if err != nil {
		return err
	}
	if string(status) != "HTTP/1.1 200" {
		return fmt.Errorf("answered %q", status)
	}
	length, err := header(s.answers)
	if err == nil {
		_, err = s.answers.Discard(length)
	}
	return err
}

// header reads up to the body and returns its length.
func header(from *bufio.Reader) (length int, err error) {
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
