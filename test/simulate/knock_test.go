// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// call is one request as Knock received it.
type call struct {
	event  eventName
	action string // identify, cancel or trigger
	path   string
	body   string
	key    string // the idempotency key
	by     string // the process

	arrived, answered time.Time
	status            int  // of Knock's response; 0 if Knock sent none
	executed          int  // the status of the execution; 0 if Knock did not execute the call
	replayed          bool // Knock ignored the call, because it had seen the idempotency key before
}

// ran reports whether the call took effect.
func (c *call) ran() bool { return c.executed >= 200 && c.executed < 300 && !c.replayed }

// knockServer is the Knock of a schedule. It executes calls with the strict fake, and injects faults before or after
// that. It executes a slow call when the call arrives, and delays the response.
type knockServer struct {
	world *world
	fake  *knocktest.Knock
	*listener

	operations operations

	mu       sync.Mutex
	calls    []*call
	attempts map[string]int // by event and action
	key      string
}

const firstKey = "sk_test_1"

func newKnockServer(w *world) *knockServer {
	return &knockServer{
		world: w, fake: knocktest.Handler(knocktest.WithAPIKey(firstKey)), listener: newListener(nil), attempts: map[string]int{}, key: firstKey,
	}
}

// ServeHTTP responds to a call with the fault that the seed determines for it.
func (k *knockServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.world.background.Add(1)
	defer k.world.background.Done()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch {
	case r.URL.Path == bulkPath:
		k.serveBulk(w, r, body)
		return
	case strings.HasPrefix(r.URL.Path, operationPath):
		k.servePoll(w, r)
		return
	}
	c := describe(r, body)
	k.mu.Lock()
	k.attempts[c.event.String()+c.action]++
	attempt := k.attempts[c.event.String()+c.action]
	k.calls = append(k.calls, c)
	k.mu.Unlock()
	fault := k.world.knockFault(c, attempt)

	answer := httptest.NewRecorder()
	if fault.execute {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		k.fake.ServeHTTP(answer, again)
		c.executed, c.replayed = answer.Code, answer.Header().Get("idempotent-replayed") != ""
	}
	if fault.status != 0 {
		answer = httptest.NewRecorder()
		fault.write(answer)
	}
	k.world.killAt(c.by, "call")
	fault.wait(r)
	k.finish(c, answer.Code, fault)
	fault.reply(w, answer)
}

func (k *knockServer) finish(c *call, status int, fault knockFault) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.answered = time.Now()
	if !fault.drop {
		c.status = status
	}
	k.world.history.add("knock   %s %s from %s: executed %d replayed %t, answered %d after %v", c.event, c.action, c.by, c.executed, c.replayed,
		c.status, c.answered.Sub(c.arrived).Round(time.Millisecond))
}

// describe returns the event and the action of a call. Every call contains the name of its event.
func describe(r *http.Request, body []byte) *call {
	c := &call{
		path: r.URL.Path, body: string(body), key: r.Header.Get("Idempotency-Key"), arrived: time.Now(),
		by: strings.TrimPrefix(r.UserAgent(), "doorbell/"),
	}
	var content struct {
		Recipients []string       `json:"recipients"`
		Event      string         `json:"event"`
		Data       map[string]any `json:"data"`
	}
	_ = json.Unmarshal(body, &content) // a body without the fields leaves them empty
	switch {
	case strings.HasPrefix(c.path, "/v1/users/"):
		c.action, c.event = identifyAction, parseEventName(content.Event)
	case strings.HasSuffix(c.path, "/cancel"):
		c.action, c.event = cancelAction, parseEventName(content.Recipients[len(content.Recipients)-1])
	default:
		name, _ := content.Data["event"].(string)
		c.action, c.event = triggerAction, parseEventName(name)
	}
	return c
}

// knockFault is what happens to one call.
type knockFault struct {
	execute    bool          // the fake executes the call
	after      time.Duration // until the answer
	drop       bool          // no answer
	status     int           // the answer, instead of the fake's
	code       string
	retryAfter int // seconds
}

func (f knockFault) write(w http.ResponseWriter) {
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(f.status)
	_, _ = w.Write([]byte(`{"code":"` + f.code + `","message":"simulated"}`))
}

// wait delays the answer. If the client closes the connection first, there is no answer.
func (f *knockFault) wait(r *http.Request) {
	select {
	case <-time.After(f.after):
	case <-r.Context().Done():
		f.drop = true
	}
}

// reply sends an answer, or closes the connection without one.
func (f *knockFault) reply(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	if f.drop {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the client may have closed the connection
}

const (
	identifyAction = string(knock.IdentifyUser)
	cancelAction   = string(knock.CancelWorkflow)
	triggerAction  = string(knock.TriggerWorkflow)
)
