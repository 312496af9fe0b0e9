// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"
	"golang.org/x/sync/errgroup"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// gate is a client that delays each script. Before it executes a script, it sends to reached and then receives from
// release. If reached is nil, it delays nothing.
type gate struct {
	rueidis.Client
	reached, release chan struct{}
}

func (c *gate) Do(ctx context.Context, command rueidis.Completed) rueidis.RedisResult {
	if c.reached != nil && strings.HasPrefix(command.Commands()[0], "EVAL") {
		c.reached <- struct{}{}
		<-c.release
	}
	return c.Client.Do(ctx, command)
}

func TestConcurrentRequestsShareCallsAndTheEventsOfASenderStayInOrder(t *testing.T) {
	client := redistest.Start(t).Client(t)
	b := inboxtest.Open(t, client, inbox.Options{})
	const senders, each = 100, 20
	var group errgroup.Group
	for i := range senders {
		group.Go(func() error {
			for j := range each {
				e := newEvent(fmt.Sprintf("user %d", i), fmt.Sprintf("%d-%d", i, j))
				e.ID = strconv.Itoa(j)
				if _, err := b.Accept(t.Context(), []*event.Event{e}, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ok(t, group.Wait())
	if calls := commandCalls(t, client, "evalsha"); calls > senders*each/4 {
		t.Errorf("%d calls for %d events", calls, senders*each)
	}
	for j := range each {
		for _, c := range claim(t, b).Leases {
			if c.Event.ID != strconv.Itoa(j) {
				t.Fatalf("%s: event %s is at position %d of its lane", c.Event.OrderingKey, c.Event.ID, j)
			}
			complete(t, b, c, nil)
		}
	}
	if got := depth(t, b); got != 0 {
		t.Errorf("depth %d; want 0", got)
	}
}

// commandCalls returns how often Redis has executed a command.
func commandCalls(t *testing.T, client rueidis.Client, name string) (count int) {
	t.Helper()
	info, err := client.Do(t.Context(), client.B().Info().Section("commandstats").Build()).ToString()
	ok(t, err)
	_, rest, _ := strings.Cut(info, "cmdstat_"+name+":calls=")
	if _, err := fmt.Sscan(strings.Split(rest, ",")[0], &count); err != nil {
		t.Fatal(err)
	}
	return count
}

func TestARequestThatIsCanceledDoesNotDelayTheOthers(t *testing.T) {
	client := &gate{Client: redistest.Start(t).Client(t)}
	b := inboxtest.Open(t, client, inbox.Options{})
	accept(t, b, newEvent("u", "")) // makes the dedupe window known to Redis, so that the next script is accept.lua
	client.reached, client.release = make(chan struct{}), make(chan struct{})

	var group errgroup.Group
	start := func(ctx context.Context, user string, want error) {
		group.Go(func() error {
			_, err := b.Accept(ctx, []*event.Event{newEvent(user, "")}, nil)
			if !errors.Is(err, want) {
				return fmt.Errorf("%s: %w; want %w", user, err, want)
			}
			return nil
		})
	}
	impatient, cancel := context.WithCancel(t.Context())
	for _, user := range []string{"first", "second"} {
		start(t.Context(), user, nil)
		<-client.reached // the call of this request is in progress; two is the maximum
	}
	start(impatient, "impatient", context.Canceled)
	start(t.Context(), "patient", nil)
	awaitWaiting(t, b, 2)
	cancel()
	awaitWaiting(t, b, 1)
	client.release <- struct{}{}
	<-client.reached // the call of the patient request is in progress
	client.release <- struct{}{}
	client.release <- struct{}{}
	ok(t, group.Wait())

	client.reached = nil
	var users []string
	for _, c := range claim(t, b).Leases {
		users = append(users, c.Event.OrderingKey)
	}
	if diff := cmp.Diff(map[string]bool{"u": true, "first": true, "second": true, "patient": true}, set(users)); diff != "" {
		t.Errorf("accepted (-want +got):\n%s", diff)
	}
}

// set returns the names as keys of a map.
func set(names []string) map[string]bool {
	out := map[string]bool{}
	for _, name := range names {
		out[name] = true
	}
	return out
}

// awaitWaiting returns when n requests wait for the next call.
func awaitWaiting(t *testing.T, b *inbox.Inbox, n int) {
	t.Helper()
	await(t, func() int { return b.Waiting(0) }, n)
}

// awaitTransitions returns when n transitions wait for the next call.
func awaitTransitions(t *testing.T, b *inbox.Inbox, n int) {
	t.Helper()
	await(t, func() int { return b.WaitingTransitions(0) }, n)
}

func await(t *testing.T, waiting func() int, n int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for waiting() != n {
		select {
		case <-deadline:
			t.Fatalf("%d requests are waiting; want %d", waiting(), n)
		default:
			runtime.Gosched()
		}
	}
}
