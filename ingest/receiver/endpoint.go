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
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// Endpoint is what the receiver serves for one source, at the path /NAMESPACE/NAME/TOKEN. It must not be changed after
// SetEndpoints. Its functions must be safe for concurrent use.
type Endpoint struct {
	Namespace, Name string
	// Tokens are the valid tokens of the ingestion URL. If there are none, all requests get status 404.
	Tokens []string
	// Verification says how senders prove who they are. It is nil if the token is enough.
	Verification *document.Verification
	// Secrets are the valid values that Verification compares with; for basic authentication, USER:PASSWORD. There are
	// two while a secret is rotated. If Verification is enforced and there is no secret, all requests get status 429.
	Secrets []string
	// Identify sets Type, Key and OrderingKey of the event. If it cannot determine the type, it leaves Type empty. The
	// receiver accepts such an event, because the mistake is in the configuration and a sender drops an event that is
	// rejected as invalid. members is the index of the body, or the zero value if there is none.
	Identify func(e *event.Event, members *rawjson.Index)
	// ReadsHeader reports whether an expression reads the header with a lower-case name. The receiver does not store
	// the others. If it is nil, no expression reads a header.
	ReadsHeader func(name string) bool
	// Accept stores the events. It returns after they are durable, with one receipt for each event. If it returns an
	// error, the sender must send all events again.
	Accept func(context.Context, []*event.Event) ([]inbox.Receipt, error)
	// RecordDuplicates, if set, is called before the response if some of the events are duplicates.
	RecordDuplicates func(context.Context, []*event.Event, []inbox.Receipt)
}

// route is an endpoint with the values that are computed from it once.
type route struct {
	*Endpoint
	ref         string // NAMESPACE/NAME
	tokenHashes [][sha256.Size]byte
	secrets     []string // the non-empty Endpoint.Secrets; an empty one would match an empty header
	// failing reports whether the latest call of Accept failed, so that the receiver logs only changes.
	failing atomic.Bool
}

// hasToken reports whether the token is valid. It compares hashes in constant time, and always with all tokens, so that
// the duration does not reveal a token.
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
		e := &route{Endpoint: endpoint, ref: endpoint.Namespace + "/" + endpoint.Name}
		for _, token := range endpoint.Tokens {
			if token != "" {
				e.tokenHashes = append(e.tokenHashes, sha256.Sum256([]byte(token)))
			}
		}
		for _, secret := range endpoint.Secrets {
			if secret != "" {
				e.secrets = append(e.secrets, secret)
			}
		}
		d[[2]string{endpoint.Namespace, endpoint.Name}] = e
	}
	return d
}

// find returns the route of the path /NAMESPACE/NAME/TOKEN, or a rejection if there is none or the token is not valid.
// It accepts one slash at the end, which people add when they paste the URL, and normalizes nothing else: a path with a
// doubled slash is not found. ref is NAMESPACE/NAME if the path names an endpoint, even if the token is not valid.
func (d directory) find(path *url.URL) (e *route, ref string, rejected *rejection) {
	segments := strings.Split(strings.TrimSuffix(path.EscapedPath(), "/"), "/")
	if len(segments) != 4 || segments[0] != "" {
		return nil, "", notFound("the URL does not have the form /NAMESPACE/NAME/TOKEN")
	}
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return nil, "", notFound("the URL contains an invalid escape sequence")
		}
		segments[i] = plain
	}
	e = d[[2]string{segments[1], segments[2]}]
	switch {
	case e == nil:
		return nil, "", notFound("the URL names no source")
	case !e.hasToken(segments[3]):
		return nil, e.ref, notFound("the URL names this source, but its token is not valid")
	default:
		return e, e.ref, nil
	}
}
