// SPDX-License-Identifier: Apache-2.0

// Package knocktest is a strict fake of Knock's API for tests and demonstrations. It rejects the requests that Knock's
// API description does not allow, enforces Knock's rate limits on demand, and stores the users, objects, tenants,
// audiences, subscriptions and workflow runs that the calls create. It must never accept a request that Knock would
// reject, since tests would then pass with a client that fails in production.
//
// Knock does not document every response. In these cases the fake does the simplest thing: deleting something that does
// not exist succeeds, and a merge of an unknown user, an unknown actor, workflow or audience gets a 404 response.
package knocktest

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	maxBody = 10 << 20 // bytes; Knock's limit for the data of a trigger
	maxKey  = 255      // characters
)

// Knock is the fake as an HTTP handler. It is safe for concurrent use.
type Knock struct {
	routes      []route
	limited     bool // enforce the rate limits
	history     int  // the number of calls and runs to keep; 0 for all
	reportError func(format string, args ...any)

	lock    sync.Mutex // protects the fields below
	apiKey  string
	respond func(Call) *Answer
	store   store
	calls   []Call
	seq     int
	changed chan struct{} // closed and replaced when a call arrives or gets its answer
}

// Handler returns a fake that a program can serve over HTTP. Tests use New.
func Handler(options ...Option) *Knock {
	k := &Knock{
		routes: routes(), reportError: func(string, ...any) {}, apiKey: APIKey, changed: make(chan struct{}),
		store: newStore(time.Now),
	}
	for _, option := range options {
		option(k)
	}
	return k
}

// Answer is a response that a test prescribes for a call.
type Answer struct {
	// Status is the HTTP status, or 0 to send the fake's own response.
	Status int
	Header map[string]string
	Body   string
	// After makes the fake execute the call before it sends this answer, as if the real response was lost on its way.
	After bool
	// Hold delays the answer until the channel is closed. If it is nil, there is no delay.
	Hold <-chan struct{}
	// Drop closes the connection without a response.
	Drop bool
}

// Respond makes the fake call answer for each request. If answer returns nil, the fake responds on its own. A second
// call of Respond replaces the function.
func (k *Knock) Respond(answer func(Call) *Answer) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.respond = answer
}

// SetAPIKey makes the fake accept only this API key.
func (k *Knock) SetAPIKey(key string) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.apiKey = key
}

// ServeHTTP records the request, executes it unless it is invalid, and sends the response.
func (k *Knock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); err != nil && !errors.As(err, &tooLarge) {
		return // the client closed the connection
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	found, ids, rejected := find(k.routes, r.Method, path)
	if rejected == nil && err != nil {
		rejected = &rejection{status: http.StatusRequestEntityTooLarge, Code: "request_too_large", Message: "the body has more than 10 MB"}
	}
	if rejected != nil && rejected.Code == "unclean_path" {
		k.reportError("knocktest: a path with an empty or dot segment reached Knock: %s %s", r.Method, r.RequestURI)
	}
	incoming := request{r, found, ids, body, rejected}
	call := k.recordCall(r, incoming.endpoint(), string(body))
	answer := k.decide(incoming, call)
	if answer == nil || answer.Drop {
		k.recordAnswer(call.Seq, Dropped, false)
		panic(http.ErrAbortHandler)
	}
	k.recordAnswer(call.Seq, answer.Status, answer.Header["idempotent-replayed"] != "")
	write(w, call.Seq, answer)
}

// decide returns the answer that the test prescribes, or the fake's own answer if the test prescribes none. It returns
// nil if the client closed the connection while the fake was holding the answer back.
func (k *Knock) decide(r request, call Call) *Answer {
	k.lock.Lock()
	respond := k.respond
	k.lock.Unlock()
	var wanted *Answer
	if respond != nil {
		wanted = respond(call)
	}
	if wanted == nil {
		return k.execute(r, call.Seq)
	}
	var own *Answer
	if wanted.After {
		own = k.execute(r, call.Seq)
	}
	if wanted.Hold != nil {
		select {
		case <-wanted.Hold:
		case <-r.Context().Done():
			return nil
		}
	}
	switch {
	case wanted.Status != 0 || wanted.Drop:
		return wanted
	case own != nil:
		return own
	default:
		return k.execute(r, call.Seq)
	}
}

// request is a request with the route and the IDs that its path names.
type request struct {
	*http.Request
	route    *route // nil if rejected
	ids      map[string]string
	body     []byte
	rejected *rejection // because of the path, the method or the size
}
