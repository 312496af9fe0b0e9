// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"bytes"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
	"github.com/doorbell-dev/doorbell/test/checker"
)

// knockServer is the Knock of a schedule. It executes calls with the strict fake, and injects faults before or after
// that.
type knockServer struct {
	world *world
	fake  *knocktest.Knock
	url   string

	mu       sync.Mutex
	calls    []*checker.Call
	attempts map[string]int // by event and action
	calm     bool
	outage   bool // every call gets 503
	hanging  bool // no call gets a response in time
}

func newKnockServer(w *world) *knockServer {
	k := &knockServer{world: w, fake: knocktest.Handler(knocktest.WithAPIKey(apiKey)), attempts: map[string]int{}}
	server := httptest.NewUnstartedServer(k)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would log clients that closed their connection
	server.Start()
	w.t.Cleanup(server.Close)
	k.url = server.URL
	return k
}

func (k *knockServer) set(change func(*knockServer)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(k)
}

// makeCalm ends all faults, except for the events that are doomed.
func (k *knockServer) makeCalm() {
	k.set(func(k *knockServer) { k.calm, k.outage, k.hanging = true, false, false })
}

// knockFault is what happens to one call.
type knockFault struct {
	execute bool          // the fake executes the call
	after   time.Duration // until the response
	drop    bool          // no response
	status  int           // the response, instead of the fake's
}

// ServeHTTP responds to a call.
func (k *knockServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c, fault := k.begin(r, body)
	answer := httptest.NewRecorder()
	if fault.execute {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		k.fake.ServeHTTP(answer, again)
		k.set(func(*knockServer) {
			c.Executed, c.Replayed = answer.Code, answer.Header().Get("idempotent-replayed") != ""
		})
	}
	if fault.status != 0 {
		answer = httptest.NewRecorder()
		answer.Header().Set("Content-Type", "application/json")
		answer.WriteHeader(fault.status)
		_, _ = answer.WriteString(`{"code":"test","message":"a fault of the test"}`)
	}
	select {
	case <-time.After(fault.after):
	case <-r.Context().Done():
		fault.drop = true
	}
	k.finish(c, answer.Code, fault.drop, r.Context().Err() != nil)
	if fault.drop {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the client may have closed the connection
}

// begin records the arrival of a call and decides what happens to it.
func (k *knockServer) begin(r *http.Request, body []byte) (*checker.Call, knockFault) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := checker.NewCall(r, body, time.Now())
	k.calls = append(k.calls, c)
	k.attempts[c.Event.String()+c.Action]++
	return c, k.fault(c, k.attempts[c.Event.String()+c.Action])
}

func (k *knockServer) finish(c *checker.Call, status int, dropped, abandoned bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c.Answered, c.Abandoned = time.Now(), abandoned
	if !dropped {
		c.Status = status
	}
	k.world.history.add("knock   %s %s: executed %d replayed %t, answered %d after %v", c.Event, c.Action, c.Executed, c.Replayed, c.Status,
		c.Answered.Sub(c.Arrived).Round(time.Millisecond))
}

// received returns copies of all calls.
func (k *knockServer) received() []*checker.Call {
	k.mu.Lock()
	defer k.mu.Unlock()
	var calls []*checker.Call
	for _, c := range k.calls {
		received := *c
		calls = append(calls, &received)
	}
	return calls
}

// fault decides what happens to an attempt at a call. The caller holds k.mu.
func (k *knockServer) fault(c *checker.Call, attempt int) knockFault {
	r := k.world.dice.Named("knock", c.Event, c.Action, strconv.Itoa(attempt))
	f := knockFault{execute: true, after: checker.Between(r, time.Millisecond, 30*time.Millisecond)}
	e, p := k.world.newEvent(c.Event), k.world.plan
	roll := r.Float64()
	falls := func(probability float64) bool {
		roll -= probability
		return roll < 0
	}
	switch {
	case e.Doomed && c.Action == e.Kind.Actions[len(e.Kind.Actions)-1]:
		f.execute, f.status = false, http.StatusUnprocessableEntity
	case k.calm:
	case k.outage:
		f.execute, f.status = false, http.StatusServiceUnavailable
	case k.hanging:
		f.execute, f.after = checker.Chance(r, 0.5), time.Hour
	case falls(p.lost):
		f.drop = true
	case falls(p.failed):
		f.execute, f.status = checker.Chance(r, 0.3), http.StatusInternalServerError
	case falls(p.slow):
		f.after = checker.Between(r, 100*time.Millisecond, 900*time.Millisecond)
	}
	return f
}
