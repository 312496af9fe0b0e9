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
)

const (
	// firstRead is what is set aside for a body before it is known to come.
	firstRead = 64 << 10
	// unknownLength is the same where the sender does not tell the length.
	unknownLength = 4 << 10
)

var (
	errLarge = errors.New("over the limit")
	errBusy  = errors.New("no memory for it now")
)

// coding is how a body is encoded.
type coding int

const (
	identity coding = iota
	gzipped
)

// contentCoding reads Content-Encoding. More than one real coding is rejected: nothing sends it but an attacker.
func contentCoding(header http.Header) (coding, *rejection) {
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
			return 0, unsupportedEncoding("the Content-Encoding is unknown; send the body plain or as gzip")
		}
	}
	return found, nil
}

// receive reads the body as sent. The server's read deadline, from the request's start, ends it.
func (r *Receiver) receive(request *http.Request, memoryBudget *memoryBudget) ([]byte, *rejection) {
	hint := min(request.ContentLength, firstRead)
	if hint < 0 {
		hint = unknownLength
	}
	body, err := readAll(request.Body, hint, r.options.MaxBody, memoryBudget)
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, errLarge):
		return nil, bodyTooLarge(r.options.MaxBody)
	case errors.Is(err, errBusy):
		return nil, overloaded()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, requestTimeout(r.options.RequestTimeout)
	default:
		return nil, brokenRequest()
	}
}

// inflate undoes the coding. An empty body is left for whoever reads it next.
func (r *Receiver) inflate(body []byte, coding coding, memoryBudget *memoryBudget) ([]byte, *rejection) {
	if coding == identity || len(body) == 0 {
		return body, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, invalidBody("the body is not gzip, as its Content-Encoding says")
	}
	inflated, err := readAll(reader, min(4*int64(len(body)), firstRead), r.options.MaxBody, memoryBudget)
	switch {
	case err == nil:
		return inflated, nil
	case errors.Is(err, errLarge):
		return nil, inflatedBodyTooLarge(r.options.MaxBody)
	case errors.Is(err, errBusy):
		return nil, overloaded()
	default:
		return nil, invalidBody("the gzip body is damaged: " + err.Error())
	}
}

// readAll reads to the end, at most limit bytes, in memory that it borrows as it comes to need it.
func readAll(source io.Reader, hint, limit int64, memoryBudget *memoryBudget) ([]byte, error) {
	size := min(hint, limit) + 1 // one more, to see the end without growing
	if !memoryBudget.take(size) {
		return nil, errBusy
	}
	data := make([]byte, 0, size)
	for {
		n, err := source.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > limit:
			return nil, errLarge
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		case len(data) == cap(data):
			size = min(2*int64(cap(data)), limit+1)
			if !memoryBudget.take(size - int64(cap(data))) {
				return nil, errBusy
			}
			data = append(make([]byte, 0, size), data...)
		}
	}
}
