// SPDX-License-Identifier: Apache-2.0

package eventlog_test

import (
	"context"
	"iter"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// follow follows a log until the test ends. next waits for the next update.
func follow(t *testing.T, log *eventlog.Log, query eventlog.Query) (next func() eventlog.Update) {
	t.Helper()
	updates, err := log.Follow(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	pull, stop := iter.Pull2(updates)
	t.Cleanup(stop)
	return func() eventlog.Update {
		update, err, ok := pull()
		if err != nil || !ok {
			t.Fatalf("no update: %v", err)
		}
		return update
	}
}

func TestFollowReturnsEntriesThatChangeAfterTheCall(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		space := keyspace.New("production/shop", 3)
		mine, others := eventlog.Open(client, space, eventlog.Limits{MaxEvents: 100}), eventlog.Open(client, space, eventlog.Limits{MaxEvents: 100})
		write(t, mine, entries(6)...)
		all, duplicates := follow(t, mine, eventlog.Query{}), follow(t, mine, eventlog.Query{Status: eventlog.Duplicate})
		write(t, others, entries(8)[6:]...)
		var got []string
		for len(got) < 2 {
			got = append(got, ids(all().Entries)...)
		}
		if diff := cmp.Diff([]string{"1006", "1007"}, got); diff != "" {
			t.Errorf("all (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(eventlog.Update{Entries: entries(8)[7:]}, duplicates()); diff != "" {
			t.Errorf("duplicates (-want +got):\n%s", diff)
		}
		changed := eventlog.Entry{ID: "1000", OrderingKey: "user 0", Status: eventlog.DeadLettered}
		write(t, others, changed)
		if diff := cmp.Diff(eventlog.Update{Entries: []eventlog.Entry{changed}}, all()); diff != "" {
			t.Errorf("a changed entry (-want +got):\n%s", diff)
		}
	})
}

func TestASlowFollowerGetsTheNumberOfEntriesItMissed(t *testing.T) {
	client := redistest.Start(t).Client(t)
	log := eventlog.Open(client, keyspace.New("production/shop", 1), eventlog.Limits{MaxEvents: 10_000})
	next := follow(t, log, eventlog.Query{})
	const n = 2300
	var entries []eventlog.Entry
	for i := range n {
		entries = append(entries, eventlog.Entry{ID: strconv.Itoa(10_000 + i), Status: eventlog.Succeeded})
	}
	if err := log.Append(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	missed, got := 0, 0
	for missed+got < n {
		update := next()
		missed, got = missed+update.Missed, got+len(update.Entries)
	}
	if missed != n-500 || got != 500 {
		t.Errorf("missed %d and got %d entries; want %d and 500", missed, got, n-500)
	}
}

func TestFollowEndsWithItsContextAndReportsAnUnreachableRedis(t *testing.T) {
	server := redistest.Start(t)
	log := eventlog.Open(server.Client(t), keyspace.New("production/shop", 1), eventlog.Limits{MaxEvents: 10})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	updates, err := log.Follow(ctx, eventlog.Query{})
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	failures := 0
	for _, err := range updates {
		if err == nil {
			t.Error("got an update while Redis was unreachable")
		}
		failures++
		cancel()
	}
	if failures != 1 {
		t.Errorf("%d errors; want 1", failures)
	}
}
