// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"net/http"
	"strings"
)

// headers returns the headers as expressions see them: names in lower case, repeated values joined, nothing that grants
// access. A proxy may have put the URL into a header of its own, so those with a token in them are left out as well.
func (e *route) headers(header http.Header) map[string]string {
	headers := make(map[string]string, len(header))
	for name, values := range header {
		name, value := strings.ToLower(name), strings.ToValidUTF8(strings.Join(values, ", "), "\ufffd")
		if !e.secret(name) && !e.reveals(value) {
			headers[name] = value
		}
	}
	return headers
}

func (e *route) secret(name string) bool {
	switch name {
	case "authorization", "proxy-authorization", "cookie":
		return true
	default:
		return e.Verification != nil && strings.EqualFold(name, e.Verification.Header)
	}
}

// size is about what the headers take where they are stored.
func size(headers map[string]string) int {
	total := 0
	for name, value := range headers {
		total += len(name) + len(value) + 4
	}
	return total
}
