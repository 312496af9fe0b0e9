// SPDX-License-Identifier: Apache-2.0

// Package knocktest is a fake Knock that refuses what Knock's API description refuses, keeps Knock's limits, and
// remembers what it was told. Where Knock's answer is not documented, it does what is simplest and says so here: a
// delete of what is not there succeeds, a merge of a user who is not there is a 404, and an unknown actor, workflow or
// audience is a 404 too.
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
	maxBody = 10 << 20 // Knock's limit for the data of a trigger
	maxKey  = 255
)

// Knock answers as Knock does. It may be used by any number of goroutines.
type Knock struct {
	routes  []route
	limited bool
	history int
	alarm   func(format string, args ...any)

	lock    sync.Mutex // of all that follows
	apiKey  string
	respond func(Call) *Answer
	world   world
	calls   []Call
	seq     int
	changed chan struct{}
}

// Handler makes a fake for use in a process; tests have New.
func Handler(options ...Option) *Knock {
	k := &Knock{
		routes: routes(), alarm: func(string, ...any) {}, apiKey: APIKey, changed: make(chan struct{}),
		world: newWorld(time.Now),
	}
	for _, option := range options {
		option(k)
	}
	return k
}

// Answer is what a test wants a call to hear.
type Answer struct {
	// Status is 0 to leave the answer to the fake.
	Status int
	Header map[string]string
	Body   string
	// After lets the call take effect first: the answer is lost or changed on its way back.
	After bool
	// Hold delays the answer until it is closed.
	Hold <-chan struct{}
	// Drop ends the connection without an answer.
	Drop bool
}

// Respond has answer asked for each call, as it arrived; nil leaves the call to the fake. It replaces the one before.
func (k *Knock) Respond(answer func(Call) *Answer) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.respond = answer
}

// SetAPIKey has the fake take this key only.
func (k *Knock) SetAPIKey(key string) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.apiKey = key
}

// ServeHTTP records the request, answers it, and acts on it unless it is refused.
func (k *Knock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); err != nil && !errors.As(err, &tooLarge) {
		return // the caller went away
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	found, ids, refused := find(k.routes, r.Method, path)
	if refused == nil && err != nil {
		refused = &refusal{status: http.StatusRequestEntityTooLarge, Code: "request_too_large", Message: "at most 10 MB"}
	}
	if refused != nil && refused.Code == "unclean_path" {
		k.alarm("a path that is not clean reached Knock: %s %s", r.Method, r.RequestURI)
	}
	incoming := request{r, found, ids, body, refused}
	call := k.arrived(r, incoming.endpoint(), string(body))
	answer := k.decide(incoming, call)
	if answer == nil || answer.Drop {
		k.answered(call.Seq, Dropped, false)
		panic(http.ErrAbortHandler)
	}
	k.answered(call.Seq, answer.Status, answer.Header["idempotent-replayed"] != "")
	write(w, call.Seq, answer)
}

// decide asks the test, then the fake. It returns nil if the caller went away.
func (k *Knock) decide(r request, call Call) *Answer {
	k.lock.Lock()
	respond := k.respond
	k.lock.Unlock()
	var wanted *Answer
	if respond != nil {
		wanted = respond(call)
	}
	if wanted == nil {
		return k.act(r, call.Seq)
	}
	var own *Answer
	if wanted.After {
		own = k.act(r, call.Seq)
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
		return k.act(r, call.Seq)
	}
}

// request is one request with what its path says.
type request struct {
	*http.Request
	route   *route
	ids     map[string]string
	body    []byte
	refused *refusal // by path, method or size
}
