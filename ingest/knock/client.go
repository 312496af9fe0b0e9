// SPDX-License-Identifier: Apache-2.0

package knock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// maxResponse is the most that the client keeps of a response, in bytes. Knock's responses are smaller, except for
	// a bulk operation with many failed rows.
	maxResponse     = 64 << 10
	maxBulkResponse = 1 << 20
	// maxDrain is how many more bytes the client reads and discards. It must read a response to its end to use the
	// connection again.
	maxDrain = 256 << 10
)

// Config configures a Client.
type Config struct {
	// BaseURL is the URL of Knock's API, without a trailing slash and without /v1.
	BaseURL string
	// Branch is the value of the X-Knock-Branch header. If it is empty, the client sends no such header.
	Branch string
	// APIKey returns the current API key. The client calls it for each attempt, so that the key can change.
	APIKey func() string
	// Transport sends the requests. If it is nil, the client uses NewTransport. The client never follows redirects.
	Transport http.RoundTripper
	// UserAgent is the value of the User-Agent header.
	UserAgent string
	// Now returns the current time. If it is nil, the client uses the system's clock.
	Now func() time.Time
}

// Client sends requests to Knock. It is safe for concurrent use.
type Client struct {
	config    Config
	transport http.RoundTripper
	base      *url.URL                     // Config.BaseURL; nil if only url.Parse can join it to a path
	header    atomic.Pointer[sharedHeader] // of the latest API key
}

// Response is a response with which Knock accepts a call.
type Response struct {
	Status int
	// Excerpt is the beginning of the body: at most 1 KiB of valid UTF-8.
	Excerpt string
	// Took is the time from the beginning of the attempt to the end of the response.
	Took time.Duration
}

// New returns a client. It opens no connection.
func New(config Config) *Client {
	if config.Now == nil {
		config.Now = time.Now //nolint:forbidigo // the default of an injected clock
	}
	c := &Client{config: config, transport: config.Transport}
	if c.transport == nil {
		c.transport = NewTransport()
	}
	if base, err := url.Parse(config.BaseURL); err == nil && base.Host != "" && base.RawPath == "" && base.RawQuery == "" {
		c.base = base
	}
	return c
}

// Do makes one attempt, which reaches Knock at most once. The only exception is GetBulkOperation: the HTTP transport
// may repeat it, which is harmless. If Knock rejects the call, the error is an *Error. Any other error means that the
// client got no complete response, and that Knock may or may not have executed the call.
func (c *Client) Do(ctx context.Context, request Request) (Response, error) {
	response, _, err := c.exchange(ctx, request, maxResponse)
	return response, err
}

// DoBulk makes one attempt, like Do, and returns the bulk operation in the response. It is for the calls of
// BulkIdentifyUsers and GetBulkOperation.
func (c *Client) DoBulk(ctx context.Context, request Request) (BulkOperation, Response, error) {
	var operation BulkOperation
	response, received, err := c.exchange(ctx, request, maxBulkResponse)
	if err != nil {
		return operation, response, err
	}
	if err := json.Unmarshal(received.body, &operation); err != nil || operation.ID == "" {
		return operation, response, &Error{
			Endpoint: request.Endpoint, Status: response.Status,
			Message: "the response is not a bulk operation", Excerpt: response.Excerpt,
		}
	}
	operation.Skipped = skippedRows(received.header)
	return operation, response, nil
}

// exchange sends the request and returns the response with at most limit bytes of its body.
func (c *Client) exchange(ctx context.Context, request Request, limit int) (Response, received, error) {
	start := c.config.Now()
	key := strings.TrimSpace(c.config.APIKey())
	r, err := c.send(ctx, request, key, limit)
	if r.status == 0 {
		return Response{Took: c.since(start)}, r, fmt.Errorf("knock: %s: %w", request.Endpoint, err)
	}
	// Some servers echo the request, and the key must not reach the event log.
	if key != "" && bytes.Contains(r.body, []byte(key)) {
		r.body = bytes.ReplaceAll(r.body, []byte(key), []byte("[API key]"))
	}
	response := Response{Status: r.status, Excerpt: excerpt(r.body), Took: c.since(start)}
	switch {
	case r.status >= http.StatusMultipleChoices:
		err = c.rejection(request, r)
	case err != nil:
		err = fmt.Errorf("knock: %s: HTTP %d: read response: %w", request.Endpoint, r.status, err)
	case !looksLikeJSON(r.body):
		err = c.rejection(request, r)
	}
	return response, r, err
}

// received is the response to one attempt.
type received struct {
	status int // 0 if there is no response
	header http.Header
	body   []byte
}

// send makes the attempt. If the beginning of a response has arrived but its body cannot be read, send returns both the
// response and an error.
func (c *Client) send(ctx context.Context, request Request, key string, limit int) (received, error) {
	if err := check(request, key); err != nil {
		return received{}, err
	}
	wire, err := c.build(ctx, request, key)
	if err != nil {
		return received{}, withoutURL(err)
	}
	// RoundTrip follows no redirect, which could send the API key to another host.
	response, err := c.transport.RoundTrip(wire)
	if err != nil {
		return received{}, withoutURL(err)
	}
	body, err := read(response, limit)
	return received{response.StatusCode, response.Header, body}, errors.Join(err, response.Body.Close())
}

// check returns an error for a request that would send the call to another host or add lines to its header. The error
// contains neither the key nor the ID of a user.
func check(request Request, key string) error {
	switch {
	case !strings.HasPrefix(request.Path, "/v1/"): // ".example.com/v1/users/u" would name another host
		return errors.New("the path does not begin with /v1/")
	case strings.ContainsFunc(request.Path, unprintable):
		return errors.New("the path contains a character that is not escaped")
	case strings.ContainsFunc(key, unprintable):
		return errors.New("the API key contains a space or a character that is not printable ASCII")
	case strings.ContainsFunc(request.IdempotencyKey, unprintable):
		return errors.New("the idempotency key contains a space or a character that is not printable ASCII")
	default:
		return nil
	}
}

// build returns the HTTP request of one attempt.
func (c *Client) build(ctx context.Context, request Request, key string) (*http.Request, error) {
	var body io.Reader
	if request.Body != nil {
		body = bytes.NewReader(request.Body)
	}
	target, err := c.target(request.Path)
	if err != nil {
		return nil, err
	}
	wire, err := http.NewRequestWithContext(ctx, request.Method, "", body)
	if err != nil {
		return nil, err
	}
	wire.URL, wire.Host = target, target.Host
	shared := c.sharedHeader(key)
	wire.Header = make(http.Header, len(shared.fields)+2)
	for _, f := range shared.fields {
		wire.Header[f.name] = f.values
	}
	if request.Body != nil {
		wire.Header["Content-Type"] = jsonType
	}
	if request.IdempotencyKey != "" {
		// The name is in lower case on purpose. If the Header map contains "Idempotency-Key", the transport of net/http
		// repeats the request by itself when a connection is reset, but only the delivery workers may repeat a call.
		// Servers ignore the case of header names.
		wire.Header["idempotency-key"] = []string{request.IdempotencyKey}
	}
	return wire, nil
}

// target returns the URL of a call. path is the escaped path with the query.
func (c *Client) target(path string) (*url.URL, error) {
	if c.base == nil || strings.ContainsAny(path, "%?") {
		return url.Parse(c.config.BaseURL + path)
	}
	target := *c.base
	target.Path += path
	return &target, nil
}

func (c *Client) since(start time.Time) time.Duration { return c.config.Now().Sub(start) }

// withoutURL removes the URL that net/http adds to an error, since the URL may contain the ID of a user.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// looksLikeJSON reports whether the body of a success can be Knock's: it is empty, or it begins like a JSON object or
// array. The HTML page of a proxy does not.
func looksLikeJSON(body []byte) bool {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	return len(trimmed) == 0 || trimmed[0] == '{' || trimmed[0] == '['
}
