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
	"sync/atomic"
)

const (
	// maxFirstBuffer is the size in bytes of the largest buffer that is allocated before any byte of a body has arrived.
	maxFirstBuffer = 64 << 10
	// unknownLengthBuffer is the size of the first buffer if the sender does not state the length of the body.
	unknownLengthBuffer = 4 << 10
)

var (
	errTooLarge = errors.New("the body is too large")
	errNoMemory = errors.New("no memory is left for the body")
)

// memory bounds the bytes that the bodies of all requests in flight use together. A limit on the number of requests is not enough,
// because one body can be a thousand times as large as another.
type memory struct{ free atomic.Int64 }

// memoryBudget is the part of the memory that one request has reserved. It is not safe for concurrent use.
type memoryBudget struct {
	memory   *memory
	reserved int64
}

// reserve reserves n more bytes. If fewer are free, it reserves none and returns false.
func (b *memoryBudget) reserve(n int64) bool {
	if b.memory.free.Add(-n) < 0 {
		b.memory.free.Add(n)
		return false
	}
	b.reserved += n
	return true
}

// release returns all reserved bytes.
func (b *memoryBudget) release() { b.memory.free.Add(b.reserved) }

// encoding is the content encoding of a body.
type encoding int

const (
	identity encoding = iota
	gzipped
)

// contentEncoding reads the Content-Encoding header. It rejects a body that is compressed twice: real senders do not do that, and
// it would make decompression bombs more effective.
func contentEncoding(header http.Header) (encoding, *rejection) {
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

// readBody reads the body as it was sent. The read deadline of the server, which counts from the start of the request, bounds the
// time that it takes.
func (r *Receiver) readBody(request *http.Request, budget *memoryBudget) ([]byte, *rejection) {
	hint := min(request.ContentLength, maxFirstBuffer)
	if hint < 0 {
		hint = unknownLengthBuffer
	}
	body, err := readAll(request.Body, hint, r.options.MaxBody, budget)
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, errTooLarge):
		return nil, bodyTooLarge(r.options.MaxBody)
	case errors.Is(err, errNoMemory):
		return nil, overloaded()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, requestTimeout(r.options.RequestTimeout)
	default:
		return nil, brokenRequest()
	}
}

// decompress returns the body without its encoding. An empty body stays empty, so that its rejection says that it is empty and not
// that it is invalid gzip.
func (r *Receiver) decompress(body []byte, encoding encoding, budget *memoryBudget) ([]byte, *rejection) {
	if encoding == identity || len(body) == 0 {
		return body, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, invalidBody("the body is not gzip, although its Content-Encoding says so")
	}
	plain, err := readAll(reader, min(4*int64(len(body)), maxFirstBuffer), r.options.MaxBody, budget)
	switch {
	case err == nil:
		return plain, nil
	case errors.Is(err, errTooLarge):
		return nil, decompressedBodyTooLarge(r.options.MaxBody)
	case errors.Is(err, errNoMemory):
		return nil, overloaded()
	default:
		return nil, invalidBody("the gzip body is damaged: " + err.Error())
	}
}

// readAll reads to the end of source. It returns errTooLarge after limit bytes, and errNoMemory if the budget cannot grow. The
// first buffer has room for hint bytes; then the buffer doubles as data arrives, so that a sender cannot reserve memory merely by
// announcing a large body.
func readAll(source io.Reader, hint, limit int64, budget *memoryBudget) ([]byte, error) {
	size := min(hint, limit) + 1 // one more byte, so that the last read finds the end without a larger buffer
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
			size = min(2*int64(cap(data)), limit+1)
			if !budget.reserve(size - int64(cap(data))) {
				return nil, errNoMemory
			}
			data = append(make([]byte, 0, size), data...)
		}
	}
}
