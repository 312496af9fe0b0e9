// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
)

// net/http itself rejects a request whose header it cannot read, such as a malformed one: it writes a plain text to the
// connection and does not call the receiver. The connection replaces that text by a response of the receiver, and
// counts the rejection as every other one.

// serverRejection returns the rejection that replaces a response of net/http, or nil if the handler wrote the response.
// It recognises responses of net/http by their content type, because all responses of the receiver are JSON.
func (c *connection) serverRejection(response []byte) *rejection {
	text, ok := bytes.CutPrefix(response, []byte("HTTP/1.1 "))
	if !ok || len(text) < len("400 ") || text[0] < '4' {
		return nil
	}
	line, header, _ := bytes.Cut(text, []byte("\r\n"))
	status, _ := strconv.Atoi(string(line[:3])) // 0 if it is not a number
	switch {
	case status == 0 || !bytes.HasPrefix(header, []byte("Content-Type: text/plain")):
		return nil
	case status == http.StatusBadRequest && c.failed.Load(): // the rest of the header never arrived
		return incompleteHeader()
	case status == http.StatusRequestHeaderFieldsTooLarge:
		return headerTooLarge()
	default:
		return malformed(status, string(line[4:]))
	}
}

// reject writes the response of a rejection and counts the rejection.
func (c *connection) reject(rejected *rejection) error {
	address := c.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	c.listener.rejected(address, rejected)
	body := rejected.body()
	response := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		rejected.status, http.StatusText(rejected.status), len(body), body)
	_, err := c.write(response)
	return err
}

func incompleteHeader() *rejection {
	return incompleteRequest("the request is incomplete: its header ends too early")
}

func headerTooLarge() *rejection {
	return &rejection{
		status: http.StatusRequestHeaderFieldsTooLarge, code: "header_too_large",
		message: fmt.Sprintf("the header of the request is larger than %d KiB", maxHeader>>10), closes: true,
	}
}

// malformed returns the rejection of a request that is not valid HTTP. description is the text of net/http.
func malformed(status int, description string) *rejection {
	return &rejection{status: status, code: "malformed_request", message: "the request is malformed: " + description, closes: true}
}
