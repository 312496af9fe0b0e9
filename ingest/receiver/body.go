// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// firstBuffer is the size in bytes of the largest buffer that is allocated before any byte of a body has arrived. It
// has room for a typical event.
const firstBuffer = 4 << 10

var (
	errTooLarge = errors.New("the body is too large")
	errNoMemory = errors.New("no memory is left for the body")
)

// encoding is the content encoding of a body.
type encoding int

const (
	identity encoding = iota
	gzipped
)

// contentEncoding reads the Content-Encoding header. It rejects a body that is compressed twice: real senders do not do
// that, and it would make decompression bombs more effective.
func contentEncoding(header http.Header) (encoding, *rejection) {
	if len(header["Content-Encoding"]) == 0 {
		return identity, nil
	}
	found := identity
	for name := range strings.SplitSeq(strings.Join(header.Values("Content-Encoding"), ","), ",") {
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "", "identity":
		case "gzip", "x-gzip":
			if found == gzipped {
				return 0, unsupportedEncoding("the body is encoded more than once; send it plain or as gzip")
			}
			found = gzipped
		default:
			return 0, unsupportedEncoding("the Content-Encoding is not supported; send the body plain or as gzip")
		}
	}
	return found, nil
}

// readBody reads the body as it was sent. The read deadline of the server, which counts from the start of the request,
// bounds the time that it takes. If memory is short, the budget interrupts the body of a slow sender.
func (r *Receiver) readBody(w http.ResponseWriter, request *http.Request, budget *memoryBudget) ([]byte, *rejection) {
	budget.startArriving(func() error {
		return http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // in the past: the read in progress ends
	})
	body, err := readAll(request.Body, request.ContentLength, r.options.MaxBody, budget)
	interrupted := budget.stopArriving()
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, errTooLarge):
		return nil, bodyTooLarge(r.options.MaxBody)
	case errors.Is(err, errNoMemory):
		return nil, overloaded()
	case interrupted:
		return nil, tooSlow()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, requestTimeout(r.options.RequestTimeout)
	default:
		return nil, brokenRequest()
	}
}

// decompress returns the decompressed body and releases the memory of the compressed one. It returns an empty body
// unchanged, so that the response reports an empty body instead of invalid gzip.
func (r *Receiver) decompress(body []byte, encoding encoding, budget *memoryBudget) ([]byte, *rejection) {
	if encoding == identity || len(body) == 0 {
		return body, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, invalidBody("the body is not gzip, although its Content-Encoding says so")
	}
	plain, err := readAll(reader, -1, r.options.MaxBody, budget)
	switch {
	case err == nil:
		budget.release(int64(cap(body)))
		return plain, nil
	case errors.Is(err, errTooLarge):
		return nil, decompressedBodyTooLarge(r.options.MaxBody)
	case errors.Is(err, errNoMemory):
		return nil, overloaded()
	default:
		return nil, invalidBody("the gzip body is damaged: " + err.Error())
	}
}

// readAll reads to the end of source, which has length bytes, or an unknown number if length is negative. It returns
// errTooLarge after limit bytes, and errNoMemory if the budget cannot grow. The buffer grows as data arrives, so that a
// sender cannot reserve memory merely by announcing a large body. The budget includes the old buffer while its content
// is copied to the new one.
func readAll(source io.Reader, length, limit int64, budget *memoryBudget) ([]byte, error) {
	most := limit + 1 // one more byte, so that the last read finds the end without a larger buffer
	if length >= 0 {
		most = min(most, length+1)
	}
	size := min(most, firstBuffer)
	if !budget.reserve(size) {
		return nil, errNoMemory
	}
	data := make([]byte, 0, size)
	for {
		n, err := source.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		case len(data) == cap(data):
			size, before := min(4*int64(cap(data)), most), int64(cap(data))
			if !budget.reserve(size) {
				return nil, errNoMemory
			}
			data = append(make([]byte, 0, size), data...)
			budget.release(before)
		}
	}
}
