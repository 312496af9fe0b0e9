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
	// maxAnswer bounds what is read of an answer: Knock's are smaller, but for a bulk operation with many failed rows.
	maxAnswer     = 64 << 10
	maxBulkAnswer = 1 << 20
	// maxDrain bounds what is read beyond, so that the connection can be used again.
	maxDrain = 256 << 10
)

// Config is what a Client needs.
type Config struct {
	// BaseURL has no trailing slash and no /v1.
	BaseURL string
	// Branch is sent as X-Knock-Branch; empty sends none.
	Branch string
	// APIKey is asked for each call, so that it can change.
	APIKey func() string
	// HTTP is nil to use NewTransport; its own way with redirects is not used.
	HTTP *http.Client
	// UserAgent is sent with each call.
	UserAgent string
	// Now is nil for the system's clock.
	Now func() time.Time
}

// Client calls Knock. It may be used by any number of goroutines.
type Client struct {
	config Config
	http   http.Client
}

// Response is an answer that says the call was taken.
type Response struct {
	Status int
	// Excerpt is the beginning of the body, at most 1 KiB of valid UTF-8.
	Excerpt string
	Took    time.Duration
}

// New makes a client; it opens no connection.
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
	client.http.CheckRedirect = refuseRedirect
	return client
}

// refuseRedirect makes a redirect an answer: following it would hand the API key to another host.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Do makes one attempt, which reaches Knock at most once; only GetBulkOperation, which changes nothing, may be repeated
// by the transport. An answer that is not a success is an *Error; any other error means that no answer was had, and that
// the call may or may not have been taken.
func (c *Client) Do(ctx context.Context, request Request) (Response, error) {
	response, _, err := c.exchange(ctx, request, maxAnswer)
	return response, err
}

// DoBulk makes one attempt at a call that answers with a bulk operation: BulkIdentifyUsers or GetBulkOperation.
func (c *Client) DoBulk(ctx context.Context, request Request) (BulkOperation, Response, error) {
	var operation BulkOperation
	response, body, err := c.exchange(ctx, request, maxBulkAnswer)
	if err != nil {
		return operation, response, err
	}
	if err := json.Unmarshal(body, &operation); err != nil || operation.ID == "" {
		return operation, response, &Error{
			Endpoint: request.Endpoint, Status: response.Status,
			Message: "the answer is not a bulk operation", Excerpt: response.Excerpt,
		}
	}
	return operation, response, nil
}

// exchange sends the request and reads the answer, of whose body it returns at most limit bytes.
func (c *Client) exchange(ctx context.Context, request Request, limit int64) (Response, []byte, error) {
	start := c.config.Now()
	key := strings.TrimSpace(c.config.APIKey())
	wire, err := c.build(ctx, request, key)
	if err != nil {
		return Response{}, nil, fmt.Errorf("knock: %s: %w", request.Endpoint, err)
	}
	answer, err := c.http.Do(wire) //nolint:bodyclose // read closes it
	if err != nil {
		return Response{Took: c.since(start)}, nil, fmt.Errorf("knock: %s: %w", request.Endpoint, withoutURL(err))
	}
	body, err := read(answer.Body, limit)
	if key != "" { // a server that echoes the request must not put the key into a log
		body = bytes.ReplaceAll(body, []byte(key), []byte("[API key]"))
	}
	response := Response{Status: answer.StatusCode, Excerpt: excerpt(string(body)), Took: c.since(start)}
	switch {
	case answer.StatusCode >= http.StatusMultipleChoices:
		return response, nil, c.refusal(request, answer, body)
	case err != nil:
		return response, nil, fmt.Errorf("knock: %s: answer %d: %w", request.Endpoint, answer.StatusCode, err)
	case !looksLikeJSON(body):
		return response, nil, c.refusal(request, answer, body)
	default:
		return response, body, nil
	}
}

// build makes the HTTP request.
func (c *Client) build(ctx context.Context, request Request, key string) (*http.Request, error) {
	if !strings.HasPrefix(request.Path, "/v1/") {
		return nil, errors.New("the path does not begin with /v1/") // it would go to another host
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
		// Lower case on purpose. The transport sends a request whose Header map has "Idempotency-Key" once more by itself
		// when a connection is reset; attempts are counted and spaced elsewhere. On the wire the case means nothing.
		header["idempotency-key"] = []string{request.IdempotencyKey}
	}
}

func (c *Client) since(start time.Time) time.Duration { return c.config.Now().Sub(start) }

// read returns at most limit bytes and leaves the connection fit for use.
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

// withoutURL drops what net/http puts before an error: the URL may name a user.
func withoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// looksLikeJSON is whether a success is Knock's: empty, an object or an array. A proxy's page is neither.
func looksLikeJSON(body []byte) bool {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	return len(trimmed) == 0 || trimmed[0] == '{' || trimmed[0] == '['
}
