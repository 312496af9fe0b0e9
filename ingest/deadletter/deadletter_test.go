// SPDX-License-Identifier: Apache-2.0

package deadletter_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/deadletter"
	"github.com/doorbell-dev/doorbell/ingest/delivery/progress"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// source is an inbox with a clock that the test moves, and its dead letters.
type source struct {
	t       *testing.T
	now     time.Time
	inbox   *inbox.Inbox
	letters *deadletter.Letters
}

func newSource(t *testing.T, client rueidis.Client) *source {
	s := &source{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s.inbox = inboxtest.Open(t, client, inbox.Options{Now: func() time.Time { return s.now }})
	redactor := eventlog.NewRedactor([]string{"body.email"}, false)
	s.letters = deadletter.New(inboxtest.Source, s.inbox, func() *eventlog.Redactor { return redactor })
	return s
}

// add dead-letters an event. One of its actions, for mapping first, has succeeded before.
func (s *source) add(id, user, eventType, mapping string) {
	s.t.Helper()
	e := &event.Event{
		ID: id, Type: eventType, Key: id, OrderingKey: user, Body: []byte(`{"email":"a@b.c","n":"` + id + `"}`),
	}
	_, err := s.inbox.Accept(s.t.Context(), []*event.Event{e}, nil)
	s.ok(err)
	p := &progress.Progress{Version: 1, Sent: true, Actions: []*progress.Action{
		{Mapping: "first", Status: eventlog.Succeeded},
		{Mapping: mapping, Status: eventlog.DeadLettered, Cause: progress.Rejected, Reason: "HTTP 422: a@b.c is invalid"},
	}}
	for _, lease := range s.claim() {
		if lease.Event.ID == id {
			s.ok(s.inbox.DeadLetter(s.t.Context(), lease, p.Encode(), nil))
		} else {
			s.ok(s.inbox.Release(s.t.Context(), lease))
		}
	}
	s.now = s.now.Add(time.Second)
}

func (s *source) claim() []*inbox.Lease {
	s.t.Helper()
	claimed, err := s.inbox.Claim(s.t.Context(), 0, 100, 0)
	s.ok(err)
	return claimed.Leases
}

// list returns the IDs of all dead letters that the query selects.
func (s *source) list(query eventlog.Query) (ids []string) {
	s.t.Helper()
	for {
		page, err := s.letters.List(s.t.Context(), query)
		s.ok(err)
		for _, entry := range page.Entries {
			ids = append(ids, entry.ID)
		}
		if query.Cursor = page.Next; page.Next == "" {
			return ids
		}
	}
}

func (s *source) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// five adds five dead letters of two users, types and mappings.
func (s *source) five() {
	for i := range 5 {
		s.add(fmt.Sprint("e", i), fmt.Sprint("user ", i%2), fmt.Sprint("type ", i%3), fmt.Sprint("mapping ", i%2))
	}
}

func TestListReturnsTheDeadLettersThatTheQuerySelects(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		s := newSource(t, client)
		s.five()
		began := s.now.Add(-5 * time.Second)
		for name, tc := range map[string]struct {
			query eventlog.Query
			want  []string
		}{
			"all, the latest first":   {want: []string{"e4", "e3", "e2", "e1", "e0"}},
			"in pages":                {query: eventlog.Query{Limit: 2}, want: []string{"e4", "e3", "e2", "e1", "e0"}},
			"of a user":               {query: eventlog.Query{User: "user 1"}, want: []string{"e3", "e1"}},
			"of a type":               {query: eventlog.Query{Type: "type 0"}, want: []string{"e3", "e0"}},
			"of a mapping":            {query: eventlog.Query{Mapping: "mapping 0"}, want: []string{"e4", "e2", "e0"}},
			"with a text":             {query: eventlog.Query{Text: `"n":"e3"`}, want: []string{"e3"}},
			"with a redacted text":    {query: eventlog.Query{Text: "a@b.c"}},
			"of a time":               {query: eventlog.Query{Since: began.Add(time.Second), Until: began.Add(3 * time.Second)}, want: []string{"e2", "e1"}},
			"of a user and a type":    {query: eventlog.Query{User: "user 0", Type: "type 2"}, want: []string{"e2"}},
			"of a user that has none": {query: eventlog.Query{User: "user"}},
		} {
			if diff := cmp.Diff(tc.want, s.list(tc.query)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestADeadLetterIsShownAsARedactedEntry(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		s := newSource(t, client)
		s.add("e0", "user 0", "type 0", "order")
		at := s.now.Add(-time.Second)
		want := eventlog.Entry{
			ID: "e0", Source: inboxtest.Source, Type: "type 0", Key: "e0", OrderingKey: "user 0", ReceivedAt: at, FinishedAt: &at,
			Status: eventlog.DeadLettered, Reason: "order: HTTP 422: [redacted] is invalid", Payload: json.RawMessage(`{"email":"[redacted]","n":"e0"}`),
			Actions: []eventlog.Action{
				{Mapping: "first", Status: eventlog.Succeeded},
				{Mapping: "order", Status: eventlog.DeadLettered, Reason: "HTTP 422: [redacted] is invalid"},
			},
		}
		got, err := s.letters.Get(t.Context(), "e0")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	})
}

func TestAReplayKeepsTheActionsThatHaveSucceeded(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		s := newSource(t, client)
		s.add("e0", "user 0", "type 0", "order")
		id, err := s.letters.Replay(t.Context(), "e0")
		s.ok(err)
		lease := s.claim()[0]
		p, err := progress.Decode(lease.Progress)
		s.ok(err)
		if lease.Event.ID != id || lease.ReplayOf != "e0" || len(p.Actions) != 1 || p.Actions[0].Mapping != "first" || p.Sent {
			t.Errorf("lease of %s, replay of %q, progress %s", lease.Event.ID, lease.ReplayOf, lease.Progress)
		}
	})
}

func TestADeadLetterThatDoesNotExistIsNotFound(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		s := newSource(t, client)
		s.five()
		s.ok(s.letters.Discard(t.Context(), "e1"))
		_, err := s.letters.Replay(t.Context(), "e3")
		s.ok(err)
		for _, id := range []string{"e1", "e3", "e9", ""} {
			_, shown := s.letters.Get(t.Context(), id)
			_, replayed := s.letters.Replay(t.Context(), id)
			discarded := s.letters.Discard(t.Context(), id)
			for call, err := range map[string]error{"get": shown, "replay": replayed, "discard": discarded} {
				if !errors.Is(err, deadletter.ErrNotFound) {
					t.Errorf("%s %q: %v; want ErrNotFound", call, id, err)
				}
			}
		}
	})
}

func TestReplayStepsReplayEachSelectedDeadLetterOnceAndInOrder(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		s := newSource(t, client)
		s.five()
		query := eventlog.Query{Mapping: "mapping 0", Limit: 1}
		total := 0
		for steps := 0; ; steps++ {
			step, err := s.letters.ReplayStep(t.Context(), query)
			s.ok(err)
			total += step.Done
			if step.Done > 1 || steps > 5 {
				t.Fatalf("step %d: %+v; want at most one dead letter a step", steps, step)
			}
			if query.Cursor = step.Next; step.Next == "" {
				break
			}
			if steps == 0 { // the operation is interrupted and started again
				query.Cursor = ""
				continue
			}
			s.add(fmt.Sprint("later", steps), "user 2", "type 0", "mapping 0") // must wait for another operation
		}
		if total != 3 {
			t.Errorf("replayed %d; want the three dead letters of user 0", total)
		}
		var order []string
		for leases := s.claim(); len(leases) > 0; leases = s.claim() {
			order = append(order, leases[0].ReplayOf)
			next, err := s.inbox.Complete(t.Context(), leases[0], nil, 0)
			if next != nil || err != nil {
				t.Fatal(next, err)
			}
		}
		if got := strings.Join(order, " "); got != "e0 e2 e4" {
			t.Errorf("replayed in the order %s; want e0 e2 e4", got)
		}
	})
}

func TestDiscardStepsDeleteOnlyWhatTheQuerySelects(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		s := newSource(t, client)
		s.five()
		query := eventlog.Query{Since: s.now.Add(-4 * time.Second), Until: s.now.Add(-time.Second)}
		count, err := s.letters.CountStep(t.Context(), query)
		s.ok(err)
		step, err := s.letters.DiscardStep(t.Context(), query)
		s.ok(err)
		want := deadletter.Step{Done: 3}
		if diff := cmp.Diff([]deadletter.Step{want, want}, []deadletter.Step{count, step}); diff != "" {
			t.Errorf("count and discard (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"e4", "e0"}, s.list(eventlog.Query{})); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
	})
}

func TestAStepWithAnInvalidCursorFails(t *testing.T) {
	s := newSource(t, redistest.Start(t).Client(t))
	s.five()
	_, err := s.letters.DiscardStep(t.Context(), eventlog.Query{Cursor: "x"})
	if _, ok := errors.AsType[*eventlog.CursorError](err); !ok || len(s.list(eventlog.Query{})) != 5 {
		t.Errorf("%v; want a CursorError, and five dead letters", err)
	}
}

func TestAnUnreadableDeadLetterCanOnlyBeDiscarded(t *testing.T) {
	client := redistest.Start(t).Client(t)
	s := newSource(t, client)
	s.five()
	key := s.inbox.Space().Shard(0).DeadLetters()
	s.ok(client.Do(t.Context(), client.B().Hset().Key(key).FieldValue().FieldValue("e2", "0 \xff").Build()).Error())
	if entry, err := s.letters.Get(t.Context(), "e2"); entry.Reason != deadletter.ErrUnreadable.Error() || err != nil {
		t.Errorf("entry %+v, %v", entry, err)
	}
	if _, err := s.letters.Replay(t.Context(), "e2"); !errors.Is(err, deadletter.ErrUnreadable) {
		t.Errorf("replay: %v", err)
	}
	step, err := s.letters.ReplayStep(t.Context(), eventlog.Query{})
	if want := (deadletter.Step{Done: 4, Unreadable: 1}); step != want || err != nil {
		t.Errorf("replay of all: %+v, %v; want %+v", step, err, want)
	}
	s.ok(s.letters.Discard(t.Context(), "e2"))
	if left := s.list(eventlog.Query{}); left != nil {
		t.Errorf("left: %v", left)
	}
}
