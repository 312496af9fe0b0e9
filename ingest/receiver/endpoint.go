// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// Endpoint is what the receiver serves for one source. It does not change; SetEndpoints replaces it.
type Endpoint struct {
	Namespace, Name string
	// Tokens are the valid last segments of the URL. Without any, the source is not found.
	Tokens []string
	// Verification is nil when senders need not prove themselves beyond the token.
	Verification *document.Verification
	// Secret is what Verification compares with; for basic, USER:PASSWORD. While it is empty, requests are answered 429.
	Secret string
	// Identify fills Type, Key and OrderingKey. Its error is the sender's mistake: 400, with its message.
	Identify func(*event.Event) error
	// Accept returns once the events are durable, with a receipt for each.
	Accept func(context.Context, []*event.Event) ([]inbox.Receipt, error)
	// RecordDuplicates, if set, is called before the response if some of the events are duplicates.
	RecordDuplicates func(context.Context, []*event.Event, []inbox.Receipt)
}

// route is an endpoint with what is computed from it once.
type route struct {
	*Endpoint
	tokens [][sha256.Size]byte
	// failing is whether the last Accept failed, so that only the change is logged.
	failing atomic.Bool
}

func (e *route) ref() string { return e.Namespace + "/" + e.Name }

// admits compares in constant time with every token.
func (e *route) admits(token string) bool {
	sum, found := sha256.Sum256([]byte(token)), 0
	for i := range e.tokens {
		found |= subtle.ConstantTimeCompare(sum[:], e.tokens[i][:])
	}
	return found == 1
}

// reveals reports whether text has a token in it.
func (e *route) reveals(text string) bool {
	for _, token := range e.Tokens {
		if token != "" && strings.Contains(text, token) {
			return true
		}
	}
	return false
}

// directory finds sources by namespace and name.
type directory map[[2]string]*route

func newDirectory(endpoints []*Endpoint) directory {
	d := make(directory, len(endpoints))
	for _, endpoint := range endpoints {
		e := &route{Endpoint: endpoint}
		for _, token := range endpoint.Tokens {
			if token != "" {
				e.tokens = append(e.tokens, sha256.Sum256([]byte(token)))
			}
		}
		d[[2]string{endpoint.Namespace, endpoint.Name}] = e
	}
	return d
}

// find returns the source that /NAMESPACE/SOURCE/TOKEN means, nil if there is none. Nothing is cleaned: a trailing or
// doubled slash is another path.
func (d directory) find(path *url.URL) *route {
	segments := strings.Split(path.EscapedPath(), "/")
	if len(segments) != 4 || segments[0] != "" {
		return nil
	}
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return nil
		}
		segments[i] = plain
	}
	e := d[[2]string{segments[1], segments[2]}]
	if e == nil || !e.admits(segments[3]) {
		return nil
	}
	return e
}
