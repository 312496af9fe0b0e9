// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

// event is a track event as RudderStack's JavaScript SDK sends it, 1.1 KB long. The placeholder EVENT is its name.
const event = `{"anonymousId":"f3b0c442-98fc-4c14-9afb-f4c8996fb924","channel":"web","context":{"app":{"name":"RudderLabs JavaScript SDK",` +
	`"namespace":"com.rudderlabs.javascript","version":"3.34.1"},"ip":"203.0.113.50","library":{"name":"RudderLabs JavaScript SDK",` +
	`"version":"3.34.1"},"locale":"en-US","page":{"path":"/checkout","referrer":"$direct","search":"","title":"Checkout",` +
	`"url":"https://app.example.com/checkout"},"sessionId":1763888000123,"timezone":"GMT+0100","userAgent":"Mozilla/5.0 (X11; Linux x86_64) ` +
	`AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"},"event":"EVENT","integrations":{"All":true},` +
	`"messageId":"message-000000000000","originalTimestamp":"2026-11-23T09:20:01.100Z","properties":{"currency":"EUR",` +
	`"sent":"0000000000000000000","products":[{"price":21.25,"product_id":"p1","quantity":1},{"price":4.5,"product_id":"p2","quantity":3}],` +
	`"revenue":34.75},"receivedAt":"2026-11-23T09:20:01.282Z","rudderId":"a8d42f09-79ba-4c11-b591-8a537e65eb37",` +
	`"sentAt":"2026-11-23T09:20:01.102Z","timestamp":"2026-11-23T09:20:01.280Z","type":"track","userId":"user-000000000000"}`

// The names of events: a default mapping of RudderStack matches the first, and no mapping matches the second.
const (
	mappedEvent   = "Order Completed"
	unmappedEvent = "Product Viewed"
)

// The place of the send time in an event, and the number of digits of the time and of an ID.
const (
	sentPrefix = `"sent":"`
	sentDigits = 19
	idDigits   = 12
)

// The users whose calls Knock does not answer, or answers late. No other event has such a high user ID.
const (
	hangingUser = 900_000_000_001
	busyUser    = 900_000_000_002
)

func userName(id int64) string { return fmt.Sprintf("user-%0*d", idDigits, id) }

// message is a JSON text in which the identities of one event can be replaced without copying.
type message struct {
	text                    []byte
	messageID, userID, sent []byte // the digits, within text
}

func newMessage(text []byte) message {
	return message{text, digits(text, "message-", idDigits), digits(text, "user-", idDigits), digits(text, sentPrefix, sentDigits)}
}

// digits returns the digits after the last occurrence of the prefix, or nil if there is none.
func digits(text []byte, prefix string, count int) []byte {
	at := bytes.LastIndex(text, []byte(prefix))
	if at < 0 {
		return nil
	}
	at += len(prefix)
	return text[at : at+count]
}

// serial numbers the events, so that no event of this process is a duplicate.
var serial atomic.Int64

// renew turns the message into another event. A user ID below 0 means that the serial number determines one of -user
// users.
func (m message) renew(user int64, sent time.Time) {
	n := serial.Add(1)
	setNumber(m.messageID, n)
	if user < 0 {
		user = n % -user
	}
	setNumber(m.userID, user)
	setNumber(m.sent, sent.UnixNano())
}

// setNumber writes n into the digits, with leading zeros.
func setNumber(digits []byte, n int64) {
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
}

// sender posts events over one connection. It writes prepared bytes to the socket instead of using net/http, because it
// shares the machine with the process that is measured.
type sender struct {
	addr       string
	connection net.Conn
	responses  *bufio.Reader
	request    []byte
	messages   []message // within request
}

// dial connects a sender to the target. Each request of the sender has the given body, in which every message becomes a
// new event.
func dial(ctx context.Context, t *target, body []byte, messages int) (*sender, error) {
	separator := ""
	list := []byte(nil)
	for range messages {
		list = append(append(list, separator...), body...)
		separator = ","
	}
	if messages > 1 {
		list = append(append([]byte("["), list...), ']')
	}
	s := &sender{addr: t.addr}
	s.request = fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nUser-Agent: RudderLabs\r\n"+
		"Accept-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", t.path, t.addr, len(list), list)
	first := len(s.request) - len(list)
	if messages > 1 {
		first++
	}
	for i := range messages {
		at := first + i*(len(body)+1)
		s.messages = append(s.messages, newMessage(s.request[at:at+len(body)]))
	}
	return s, s.connect(ctx)
}

// connect opens a new connection to the target.
func (s *sender) connect(ctx context.Context) (err error) {
	var dialer net.Dialer
	if s.connection, err = dialer.DialContext(ctx, "tcp", s.addr); err == nil {
		s.responses = bufio.NewReader(s.connection)
	}
	return err
}

// post sends new events and waits for the response. It returns the response's status.
func (s *sender) post(user int64, sent time.Time) (status string, err error) {
	for _, m := range s.messages {
		m.renew(user, sent)
	}
	if _, err := s.connection.Write(s.request); err != nil {
		return "", err
	}
	return s.readResponse()
}

func (s *sender) readResponse() (status string, err error) {
	const before = len("HTTP/1.1 ")
	line, err := s.responses.Peek(before + 3)
	if err != nil {
		return "", err
	}
	status = string(line[before:])
	length, err := readHeader(s.responses)
	if err == nil {
		_, err = s.responses.Discard(length)
	}
	return status, err
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
