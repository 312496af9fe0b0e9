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
	// HTTP sends the requests. If it is nil, the client uses NewTransport. The client never follows redirects, no
	// matter what HTTP.CheckRedirect says.
	HTTP *http.Client
	// UserAgent is the value of the User-Agent header.
	UserAgent string
	// Now returns the current time. If it is nil, the client uses the system's clock.
	Now func() time.Time
}

// Client sends requests to Knock. It is safe for concurrent use.
type Client struct {
	config Config
	http   http.Client
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
	client := &Client{config: config}
	if config.HTTP != nil {
		client.http = *config.HTTP
	} else {
		client.http.Transport = NewTransport()
	}
	client.http.CheckRedirect = returnRedirect
	return client
}

// returnRedirect makes the HTTP client return a redirect as the response. Following it could send the API key to
// another host.
func returnRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Do makes one attempt, which reaches Knock at most once. The only exception is GetBulkOperation: the HTTP transport
// may repeat it, which is harmless. If Knock rejects the call, the error is an *Error. Any other error means that the
// client got no complete response, and that Knock may or may not have executed the call.
func (c *Client) Do(ctx context.Context, request Request) (Response, error) {
	response, _, _, err := c.exchange(ctx, request, maxResponse)
	return response, err
}

// DoBulk makes one attempt, like Do, and returns the bulk operation in the response. It is for the calls of
// BulkIdentifyUsers and GetBulkOperation.
func (c *Client) DoBulk(ctx context.Context, request Request) (BulkOperation, Response, error) {
	var operation BulkOperation
	response, header, body, err := c.exchange(ctx, request, maxBulkResponse)
	if err != nil {
		return operation, response, err
	}
	if err := json.Unmarshal(body, &operation); err != nil || operation.ID == "" {
		return operation, response, &Error{
			Endpoint: request.Endpoint, Status: response.Status,
			Message: "the response is not a bulk operation", Excerpt: response.Excerpt,
		}
	}
	operation.Skipped = skippedRows(header)
	return operation, response, nil
}

// exchange sends the request and returns the response with its header and at most limit bytes of its body.
func (c *Client) exchange(ctx context.Context, request Request, limit int64) (Response, http.Header, []byte, error) {
	start := c.config.Now()
	key := strings.TrimSpace(c.config.APIKey())
	wire, err := c.build(ctx, request, key)
	if err != nil {
		return Response{}, nil, nil, fmt.Errorf("knock: %s: %w", request.Endpoint, err)
	}
	received, err := c.http.Do(wire) //nolint:bodyclose // read closes it
	if err != nil {
		return Response{Took: c.since(start)}, nil, nil, fmt.Errorf("knock: %s: %w", request.Endpoint, withoutURL(err))
	}
	body, err := read(received.Body, limit)
	if key != "" { // some servers echo the request, and the key must not reach the event log
		body = bytes.ReplaceAll(body, []byte(key), []byte("[API key]"))
	}
	response := Response{Status: received.StatusCode, Excerpt: excerpt(string(body)), Took: c.since(start)}
	switch {
	case received.StatusCode >= http.StatusMultipleChoices:
		return response, nil, nil, c.rejection(request, received, body)
	case err != nil:
		return response, nil, nil, fmt.Errorf("knock: %s: HTTP %d: read response: %w", request.Endpoint, received.StatusCode, err)
	case !looksLikeJSON(body):
		return response, nil, nil, c.rejection(request, received, body)
	default:
		return response, received.Header, body, nil
	}
}

// build returns the HTTP request of one attempt.
func (c *Client) build(ctx context.Context, request Request, key string) (*http.Request, error) {
	if !strings.HasPrefix(request.Path, "/v1/") {
		// A path such as ".example.com/v1/users/u" would send the call to another host.
		return nil, errors.New("the path does not begin with /v1/")
	}
	var body io.Reader
	if request.Body != nil {
		body = bytes.NewReader(request.Body)
	}
	wire, err := http.NewRequestWithContext(ctx, request.Method, c.config.BaseURL+request.Path, body)
	if err != nil {
		return nil, withoutURL(err)
	}
	c.setHeaders(wire.Header, request, key)
	return wire, nil
}

func (c *Client) setHeaders(header http.Header, request Request, key string) {
	header.Set("Accept", "application/json")
	if request.Body != nil {
		header.Set("Content-Type", "application/json")
	}
	if key != "" {
		header.Set("Authorization", "Bearer "+key)
	}
	if c.config.UserAgent != "" {
		header.Set("User-Agent", c.config.UserAgent)
	}
	if c.config.Branch != "" {
		header.Set("X-Knock-Branch", c.config.Branch)
	}
	if request.IdempotencyKey != "" {
		// The name is in lower case on purpose. If the Header map contains "Idempotency-Key", the transport of net/http
		// repeats the request by itself when a connection is reset, but only the delivery workers may repeat a call.
		// Servers ignore the case of header names.
		header["idempotency-key"] = []string{request.IdempotencyKey}
	}
}

func (c *Client) since(start time.Time) time.Duration { return c.config.Now().Sub(start) }

// read returns at most limit bytes of the body. It then discards up to maxDrain bytes, so that the transport can use
// the connection again, and closes the body.
func read(body io.ReadCloser, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, limit))
	if err == nil {
		_, err = io.CopyN(io.Discard, body, maxDrain)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data, errors.Join(err, body.Close())
}

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
