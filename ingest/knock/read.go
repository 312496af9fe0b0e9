// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"errors"
	"io"
	"net/http"
)

// read returns at most limit bytes of the body. It then discards up to maxDrain bytes. complete reports whether it has
// read the response to its end, so that the connection can be used again.
func read(response *http.Response, limit int) (body []byte, complete bool, err error) {
	if length := response.ContentLength; length >= 0 && length <= int64(limit) {
		body = make([]byte, length)
		n, err := io.ReadFull(response.Body, body)
		return body[:n], err == nil, err
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, int64(limit)))
	if err == nil {
		_, err = io.CopyN(io.Discard, response.Body, maxDrain)
	}
	if errors.Is(err, io.EOF) {
		return body, true, nil
	}
	return body, false, err
}
