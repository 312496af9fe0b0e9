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

// crowd is many users who order, each one order after the other, all at once.
type crowd struct {
	users, orders int
	gates         []chan struct{} // divide everyone's orders into equal parts; each part but the first waits for its gate to close
}

// gates makes so many.
func gates(count int) []chan struct{} {
	made := make([]chan struct{}, count)
	for i := range made {
		made[i] = make(chan struct{})
	}
	return made
}

func (c crowd) size() int { return c.users * c.orders }

func (c crowd) user(i int) string { return fmt.Sprintf("user-%02d", i) }

// begin has everyone order, at each of the URLs in turn, and returns what waits for the last order to be taken.
func (c crowd) begin(t *testing.T, s *sender, urls ...string) (wait func()) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	group, ctx := errgroup.WithContext(ctx)
	for i := range c.users {
		group.Go(func() error {
			for n := range c.orders {
				if err := c.waitFor(ctx, n); err != nil {
					return err
				}
				if err := s.deliver(ctx, urls[(i+n)%len(urls)], order(c.user(i), n)); err != nil {
					return fmt.Errorf("order %d of %s: %w", n, c.user(i), err)
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

// waitFor returns when the n-th orders may be sent.
func (c crowd) waitFor(ctx context.Context, n int) error {
	part := n * (len(c.gates) + 1) / c.orders
	if part == 0 {
		return nil
	}
	select {
	case <-c.gates[part-1]:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// delivered checks, once the log has every order as succeeded, that each was run once and each user's in their order.
func (c crowd) delivered(t *testing.T, s *scene) {
	t.Helper()
	s.awaitLog(eventlog.Succeeded, c.size())
	if diff := c.amiss(s.knock); diff != "" {
		t.Errorf("runs by user (-want +got):\n%s", diff)
	}
	c.neverBack(t, s.knock.Calls())
	sameBytes(t, s.knock.Calls())
}

// amiss tells how the runs differ from each order once and each user's in their order.
func (c crowd) amiss(knock *knocktest.Server) string {
	want, ran := map[string][]string{}, map[string][]string{}
	for i := range c.users {
		for n := range c.orders {
			want[c.user(i)] = append(want[c.user(i)], fmt.Sprint(n))
		}
	}
	for _, run := range knock.State().Runs {
		ran[run.Recipients[0]] = append(ran[run.Recipients[0]], fmt.Sprint(run.Data["n"]))
	}
	return cmp.Diff(want, ran)
}

// neverBack checks that no attempt at an order came after one at the user's next order.
func (c crowd) neverBack(t *testing.T, calls []knocktest.Call) {
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

// sameBytes checks that all attempts at a trigger are alike.
func sameBytes(t *testing.T, calls []knocktest.Call) {
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
			t.Errorf("key %s comes with two requests:\n%s\n%s", key, earlier, bytes)
		}
		first[key] = bytes
	}
}

// refusedNothing checks that Knock took all calls but those that a test interfered with.
func refusedNothing(t *testing.T, calls []knocktest.Call) {
	t.Helper()
	for _, call := range calls {
		if call.Status >= 300 && call.Status < 500 {
			t.Errorf("Knock refused with %d: %s %s %s", call.Status, call.Method, call.Path, call.Body)
		}
	}
}

// ran is for awaitCalls: at least so many triggers were answered 200.
func ran(count int) func([]knocktest.Call) bool {
	return func(calls []knocktest.Call) bool { return len(triggered(calls)) >= count }
}

// triggered are the workflows of the triggers that Knock took, in order.
func triggered(calls []knocktest.Call) []string {
	var workflows []string
	for _, call := range calls {
		if call.Endpoint == knock.TriggerWorkflow && call.Status == 200 {
			workflow, _ := strings.CutSuffix(strings.TrimPrefix(call.Path, "/v1/workflows/"), "/trigger")
			workflows = append(workflows, workflow)
		}
	}
	return workflows
}

// within fails the test when something took longer.
func within(t *testing.T, what string, began time.Time, limit time.Duration) {
	t.Helper()
	if took := time.Since(began); took > limit {
		t.Errorf("%s took %v; want at most %v", what, took, limit)
	}
}
