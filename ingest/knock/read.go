// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"errors"
	"io"
	"net/http"
)

// read returns at most limit bytes of the body. It then discards up to maxDrain bytes. If the rest
// is longer, the transport closes the connection instead of using it again.
func read(response *http.Response, limit int) (body []byte, err error) {
	if length := response.ContentLength; length >= 0 && length <= int64(limit) {
		body = make([]byte, length)
		n, err := io.ReadFull(response.Body, body)
		return body[:n], err
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, int64(limit)))
	if err == nil {
		_, err = io.CopyN(io.Discard, response.Body, maxDrain)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return body, err
}
