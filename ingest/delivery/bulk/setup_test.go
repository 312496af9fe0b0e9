// SPDX-License-Identifier: Apache-2.0

package bulk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/bulk"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// fake is a Knock that completes each operation after a time. Its hooks replace its answers. It must run in a synctest
// bubble.
type fake struct {
	t        *testing.T
	latency  time.Duration // of each call
	duration time.Duration // of each operation
	start    func(users []string) (knock.BulkOperation, error)
	poll     func(id string) (knock.BulkOperation, error)

	mu      sync.Mutex
	batches [][]string // the users of each bulk call
	times   []time.Time
	polls   int
	ends    map[string]time.Time // of the operations
}

func (f *fake) call(ctx context.Context, endpoint knock.Endpoint, _ time.Time, prepare func() (knock.Request, time.Duration, bool)) (
	operation knock.BulkOperation, response knock.Response, err error,
) {
	request, timeout, ok := prepare()
	if !ok {
		return operation, response, bulk.ErrNotCalled
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if endpoint == knock.BulkIdentify {
		operation, err = f.identify(request)
	} else {
		operation, err = f.read(request.Path[len("/v1/bulk_operations/"):])
	}
	select {
	case <-time.After(f.latency):
		return operation, knock.Response{Status: 200, Excerpt: operation.ID}, err
	case <-ctx.Done():
		return operation, response, ctx.Err()
	}
}

func (f *fake) identify(request knock.Request) (knock.BulkOperation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var body struct {
		Users []struct{ ID string } `json:"users"`
	}
	if err := json.Unmarshal(request.Body, &body); err != nil {
		f.t.Error(err)
	}
	var users []string
	for _, user := range body.Users {
		users = append(users, user.ID)
	}
	f.batches, f.times = append(f.batches, users), append(f.times, time.Now())
	if f.start != nil {
		return f.start(users)
	}
	id := fmt.Sprintf("op%d", len(f.batches))
	f.ends[id] = time.Now().Add(f.duration)
	return knock.BulkOperation{ID: id, Status: knock.BulkQueued}, nil
}

func (f *fake) read(id string) (knock.BulkOperation, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.polls++
	if f.poll != nil {
		return f.poll(id)
	}
	status := knock.BulkProcessing
	if !time.Now().Before(f.ends[id]) {
		status = knock.BulkCompleted
	}
	return knock.BulkOperation{ID: id, Status: status}, nil
}

// run runs a test with a batcher in a bubble.
func run(t *testing.T, f *fake, test func(t *testing.T, b *bulk.Batcher)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f.t, f.ends = t, map[string]time.Time{}
		ctx, cancel := context.WithCancel(t.Context())
		b := bulk.New(f.call, func() time.Duration { return time.Second })
		var running sync.WaitGroup
		running.Go(func() { b.Run(ctx) })
		test(t, b)
		cancel()
		running.Wait()
		if n := b.Members(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
	})
}

// row returns the row of a user whose event was received this long after the beginning of time, under a long lease.
func row(user string, received time.Duration) bulk.Row {
	return bulk.Row{
		User: knock.BulkUser{ID: user, Body: json.RawMessage(`{"name":"Ann"}`)}, ReceivedAt: time.Time{}.Add(received),
		Left: func() time.Duration { return time.Minute },
	}
}

// results collects the outcomes of rows by user.
type results struct {
	t       *testing.T
	running sync.WaitGroup
	mu      sync.Mutex
	of      map[string]bulk.Outcome
}

// join identifies users, received one after another, and returns when all of them wait.
func join(t *testing.T, b *bulk.Batcher, rows ...bulk.Row) *results {
	r := &results{t: t, of: map[string]bulk.Outcome{}}
	for _, row := range rows {
		r.running.Go(func() {
			outcome, ok := b.Identify(t.Context(), nil, row)
			if !ok {
				t.Errorf("%s has no outcome", row.User.ID)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.of[row.User.ID] = outcome
		})
	}
	synctest.Wait()
	return r
}

func (r *results) wait() map[string]bulk.Outcome {
	r.running.Wait()
	return r.of
}

// rows returns the rows of n users.
func rows(n int) []bulk.Row {
	var all []bulk.Row
	for i := range n {
		all = append(all, row(fmt.Sprintf("u%d", i), time.Duration(i)*time.Second))
	}
	return all
}
