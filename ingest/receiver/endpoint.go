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

// Endpoint is what the receiver serves for one source, at the path /NAMESPACE/NAME/TOKEN. It must not be changed after
// SetEndpoints. Its functions must be safe for concurrent use.
type Endpoint struct {
	Namespace, Name string
	// Tokens are the valid tokens of the ingestion URL. If there are none, all requests get status 404.
	Tokens []string
	// Verification says how senders prove who they are. It is nil if the token is enough.
	Verification *document.Verification
	// Secret is what Verification compares with; for basic authentication, USER:PASSWORD. If Verification is enforced and Secret
	// is empty, all requests get status 429.
	Secret string
	// Identify sets Type, Key and OrderingKey of the event. Its error is a mistake of the sender: the request gets status 400 with
	// the text of the error.
	Identify func(*event.Event) error
	// Accept stores the events. It returns after they are durable, with one receipt for each event. If it returns an error, the
	// sender must send all events again.
	Accept func(context.Context, []*event.Event) ([]inbox.Receipt, error)
	// RecordDuplicates, if set, is called before the response if some of the events are duplicates.
	RecordDuplicates func(context.Context, []*event.Event, []inbox.Receipt)
}

// route is an endpoint with the values that are computed from it once.
type route struct {
	*Endpoint
	tokenHashes [][sha256.Size]byte
	// failing reports whether the latest call of Accept failed, so that only changes are logged.
	failing atomic.Bool
}

func (e *route) ref() string { return e.Namespace + "/" + e.Name }

// hasToken reports whether the token is valid. It compares hashes in constant time, and always with all tokens, so that the
// duration does not reveal a token.
func (e *route) hasToken(token string) bool {
	sum, found := sha256.Sum256([]byte(token)), 0
	for i := range e.tokenHashes {
		found |= subtle.ConstantTimeCompare(sum[:], e.tokenHashes[i][:])
	}
	return found == 1
}

// containsToken reports whether the text contains a valid token.
func (e *route) containsToken(text string) bool {
	for _, token := range e.Tokens {
		if token != "" && strings.Contains(text, token) {
			return true
		}
	}
	return false
}

// directory holds all routes by namespace and name.
type directory map[[2]string]*route

func newDirectory(endpoints []*Endpoint) directory {
	d := make(directory, len(endpoints))
	for _, endpoint := range endpoints {
		e := &route{Endpoint: endpoint}
		for _, token := range endpoint.Tokens {
			if token != "" {
				e.tokenHashes = append(e.tokenHashes, sha256.Sum256([]byte(token)))
			}
		}
		d[[2]string{endpoint.Namespace, endpoint.Name}] = e
	}
	return d
}

// find returns the route of the path /NAMESPACE/NAME/TOKEN, or nil if there is none or the token is not valid. It does not
// normalize the path: a path with a trailing or doubled slash is not found.
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
	if e == nil || !e.hasToken(segments[3]) {
		return nil
	}
	return e
}
