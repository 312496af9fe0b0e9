// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

const (
	bulkPath      = "/v1/users/bulk/identify"
	operationPath = "/v1/bulk_operations/"
	// longestOperation is shorter than the time for which Doorbell expects that an operation may change users.
	longestOperation = 25 * time.Second
)

// operations are the bulk operations of a schedule's Knock. Each takes a time that the seed determines, and executes its
// rows at its end, whether a process polls it or not.
type operations struct {
	mu    sync.Mutex
	all   map[string]*operation
	polls int
}

// operation is a bulk identify that Knock has accepted. Its rows are calls, which run until the operation has ended.
type operation struct {
	id     string
	rows   []*call
	done   bool
	failed []map[string]string // the rows that failed
}

// serveBulk responds to a bulk identify with the fault that the seed determines for it.
func (k *knockServer) serveBulk(w http.ResponseWriter, r *http.Request, body []byte) {
	rows, key := k.rows(r, body), r.Header.Get("Authorization")
	first := rows[0]
	k.mu.Lock()
	k.calls = append(k.calls, rows...)
	k.attempts["bulk "+first.event.String()]++
	attempt := k.attempts["bulk "+first.event.String()]
	k.mu.Unlock()
	fault := k.world.bulkFault(rows, attempt)
	answer, begun := httptest.NewRecorder(), false
	if fault.execute {
		begun = k.begin(rows, key, answer)
	}
	if fault.status != 0 {
		answer = httptest.NewRecorder()
		fault.write(answer)
	}
	k.world.killAt(first.by, "call")
	fault.wait(r)
	k.world.history.add("knock   bulk identify of %d users from %s: begun %t, answered %d after %v, dropped %t", len(rows), first.by, begun, answer.Code,
		fault.after.Round(time.Millisecond), fault.drop)
	if !begun {
		for _, c := range rows {
			k.finish(c, answer.Code, fault)
		}
	}
	fault.reply(w, answer)
}

// rows returns the rows of a bulk identify as calls.
func (k *knockServer) rows(r *http.Request, body []byte) []*call {
	var content struct {
		Users []json.RawMessage `json:"users"`
	}
	if err := json.Unmarshal(body, &content); err != nil || len(content.Users) == 0 {
		k.world.fail("Knock got a bulk identify that it cannot read: %s", body)
		return []*call{{}}
	}
	var rows []*call
	for _, row := range content.Users {
		c := describe(r, row)
		c.action = identifyAction
		rows = append(rows, c)
	}
	return rows
}

// begin starts an operation if the API key is valid, and writes Knock's response. It reports whether the operation began.
func (k *knockServer) begin(rows []*call, key string, answer *httptest.ResponseRecorder) bool {
	probe := httptest.NewRequest(http.MethodGet, operationPath+"x", nil)
	probe.Header.Set("Authorization", key)
	if k.fake.ServeHTTP(answer, probe); answer.Code == http.StatusUnauthorized {
		return false
	}
	*answer = *httptest.NewRecorder()
	users := map[string]bool{}
	for _, c := range rows {
		if users[c.event.user] {
			k.world.violation(checkOverlap, "a bulk identify has two rows of %s", c.event.user)
		}
		users[c.event.user] = true
	}
	o := k.operations.add(rows)
	length := between(k.world.dice.named("operation", rows[0].event, o.id), 100*time.Millisecond, longestOperation)
	o.write(answer) // before complete can change the operation
	k.world.background.Go(func() {
		time.Sleep(length)
		k.complete(o)
	})
	return true
}

func (o *operations) add(rows []*call) *operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[string]*operation{}
	}
	added := &operation{id: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(o.all)), rows: rows, failed: []map[string]string{}}
	o.all[added.id] = added
	return added
}

// complete executes the rows of an operation.
func (k *knockServer) complete(o *operation) {
	k.operations.mu.Lock()
	defer k.operations.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, c := range o.rows {
		c.answered, c.status, c.executed = time.Now(), http.StatusOK, http.StatusOK
		if e := k.world.events[c.event]; e != nil && e.doomed {
			c.status, c.executed = http.StatusUnprocessableEntity, http.StatusUnprocessableEntity
			o.failed = append(o.failed, map[string]string{"id": c.event.user})
		}
	}
	o.done = true
	k.world.history.add("knock   operation %s has ended for %d users", o.id, len(o.rows))
}

// servePoll responds to a poll with the fault that the seed determines for it.
func (k *knockServer) servePoll(w http.ResponseWriter, r *http.Request) {
	k.operations.mu.Lock()
	k.operations.polls++
	fault := k.world.pollFault(k.operations.polls)
	answer := httptest.NewRecorder()
	if o := k.operations.all[strings.TrimPrefix(r.URL.Path, operationPath)]; o == nil {
		answer.WriteHeader(http.StatusNotFound)
	} else {
		o.write(answer)
	}
	k.operations.mu.Unlock()
	if fault.status != 0 {
		answer = httptest.NewRecorder()
		fault.write(answer)
	}
	fault.wait(r)
	fault.reply(w, answer)
}

// write writes the state of the operation.
func (o *operation) write(answer *httptest.ResponseRecorder) {
	state := map[string]any{
		"id": o.id, "status": knock.BulkProcessing, "error_count": len(o.failed), "error_items": o.failed,
	}
	if o.done {
		state["status"] = knock.BulkCompleted
	}
	answer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(answer).Encode(state) // to memory
}

// bulkFault draws the fault of a bulk identify. Knock rejects some calls as a whole because one of their rows is bad.
func (w *world) bulkFault(rows []*call, attempt int) knockFault {
	for _, c := range rows {
		if e := w.events[c.event]; e != nil && e.doomed && chance(w.dice.named("bulk", c.event), 0.5) {
			return knockFault{after: 50 * time.Millisecond, status: http.StatusBadRequest, code: "invalid_params"}
		}
	}
	return w.knockFault(&call{action: "bulk " + rows[0].event.String()}, attempt)
}

// pollFault draws the fault of a poll.
func (w *world) pollFault(n int) knockFault {
	f := w.knockFault(&call{action: "poll"}, n)
	f.after = min(f.after, 20*time.Second)
	return f
}

// endTooEarly tells the process that an operation has ended although it has not.
func endTooEarly(_ *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil || r.URL.Path != bulkPath || response.StatusCode != http.StatusOK {
			return response, err
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.Replace(body, []byte(knock.BulkProcessing), []byte(knock.BulkCompleted), 1)
		response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return response, nil
	})
}

// ignoreFailedRows hides the rows that failed.
func ignoreFailedRows(_ *world, next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil || !strings.HasPrefix(r.URL.Path, operationPath) || response.StatusCode != http.StatusOK {
			return response, err
		}
		var state map[string]any
		if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
			return nil, err
		}
		state["error_count"], state["error_items"] = 0, []any{}
		body, err := json.Marshal(state)
		response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return response, err
	})
}
