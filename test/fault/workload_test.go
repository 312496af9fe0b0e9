// SPDX-License-Identifier: Apache-2.0

package fault_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// workload is a number of users who place orders concurrently, each user one order after the other.
type workload struct {
	users, orders int
	gates         []chan struct{} // they divide the orders of each user into equal parts; every part but the first waits until its gate is closed
}

// gates returns count gates that the test has not closed yet.
func gates(count int) []chan struct{} {
	made := make([]chan struct{}, count)
	for i := range made {
		made[i] = make(chan struct{})
	}
	return made
}

func (w workload) size() int { return w.users * w.orders }

func (w workload) user(i int) string { return fmt.Sprintf("user-%02d", i) }

// start starts all users, who post to the URLs in turn, and returns a function that waits until the last order is
// accepted.
func (w workload) start(t *testing.T, s *sender, urls ...string) (wait func()) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	group, ctx := errgroup.WithContext(ctx)
	for i := range w.users {
		group.Go(func() error {
			for n := range w.orders {
				if err := w.waitFor(ctx, n); err != nil {
					return err
				}
				if err := s.deliver(ctx, urls[(i+n)%len(urls)], order(w.user(i), n)); err != nil {
					return fmt.Errorf("order %d of %s: %w", n, w.user(i), err)
				}
			}
			return nil
		})
	}
	t.Cleanup(func() { cancel(); _ = group.Wait() })
	return func() {
		t.Helper()
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

// waitFor waits until the n-th orders may be posted.
func (w workload) waitFor(ctx context.Context, n int) error {
	part := n * (len(w.gates) + 1) / w.orders
	if part == 0 {
		return nil
	}
	select {
	case <-w.gates[part-1]:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// checkDelivered waits until the log shows every order as succeeded. Then it checks that Knock ran every order once,
// and the orders of each user in order.
func (w workload) checkDelivered(t *testing.T, s *devFixture) {
	t.Helper()
	s.awaitLog(eventlog.Succeeded, w.size())
	if diff := w.difference(s.knock); diff != "" {
		t.Errorf("runs by user (-want +got):\n%s", diff)
	}
	w.checkOrder(t, s.knock.Calls())
	checkSameBytes(t, s.knock.Calls())
}

// difference returns the difference between Knock's runs and one run for every order, in each user's order; "" if there
// is none.
func (w workload) difference(knock *knocktest.Server) string {
	want, ran := map[string][]string{}, map[string][]string{}
	for i := range w.users {
		for n := range w.orders {
			want[w.user(i)] = append(want[w.user(i)], fmt.Sprint(n))
		}
	}
	for _, run := range knock.State().Runs {
		ran[run.Recipients[0]] = append(ran[run.Recipients[0]], fmt.Sprint(run.Data["n"]))
	}
	return cmp.Diff(want, ran)
}

// checkOrder fails the test if an attempt at an order follows an attempt at a later order of the same user.
func (w workload) checkOrder(t *testing.T, calls []knocktest.Call) {
	t.Helper()
	last := map[string]int{}
	for _, call := range calls {
		var body struct {
			Recipients []string `json:"recipients"`
			Data       struct {
				N int `json:"n"`
			} `json:"data"`
		}
		if err := json.Unmarshal([]byte(call.Body), &body); err != nil || len(body.Recipients) != 1 {
			t.Fatalf("call %d: %s", call.Seq, call.Body)
		}
		user := body.Recipients[0]
		if body.Data.N < last[user] {
			t.Errorf("call %d repeats order %d of %s after order %d", call.Seq, body.Data.N, user, last[user])
		}
		last[user] = body.Data.N
	}
}

// checkSameBytes fails the test if two attempts at a trigger differ.
func checkSameBytes(t *testing.T, calls []knocktest.Call) {
	t.Helper()
	first := map[string]string{}
	for _, call := range calls {
		if call.Endpoint != knock.TriggerWorkflow {
			continue
		}
		key, bytes := call.Header["idempotency-key"], call.Path+" "+call.Body
		if key == "" {
			t.Errorf("call %d has no Idempotency-Key", call.Seq)
		} else if earlier, ok := first[key]; ok && earlier != bytes {
			t.Errorf("the Idempotency-Key %s was sent with two requests:\n%s\n%s", key, earlier, bytes)
		}
		first[key] = bytes
	}
}

// checkNothingRejected fails the test if Knock answered a call with a 3xx or 4xx.
func checkNothingRejected(t *testing.T, calls []knocktest.Call) {
	t.Helper()
	for _, call := range calls {
		if call.Status >= 300 && call.Status < 500 {
			t.Errorf("Knock answered %d: %s %s %s", call.Status, call.Method, call.Path, call.Body)
		}
	}
}

// workflowsRun returns a condition for awaitCalls: Knock answered at least count triggers with 200.
func workflowsRun(count int) func([]knocktest.Call) bool {
	return func(calls []knocktest.Call) bool { return len(runWorkflows(calls)) >= count }
}

// runWorkflows returns the workflows of the triggers that Knock answered 200, in order.
func runWorkflows(calls []knocktest.Call) []string {
	var workflows []string
	for _, call := range calls {
		if call.Endpoint == knock.TriggerWorkflow && call.Status == 200 {
			workflow, _ := strings.CutSuffix(strings.TrimPrefix(call.Path, "/v1/workflows/"), "/trigger")
			workflows = append(workflows, workflow)
		}
	}
	return workflows
}

// checkWithin fails the test if more than limit has passed since began.
func checkWithin(t *testing.T, what string, began time.Time, limit time.Duration) {
	t.Helper()
	if took := time.Since(began); took > limit {
		t.Errorf("%s took %v; want at most %v", what, took, limit)
	}
}
