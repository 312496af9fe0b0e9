// SPDX-License-Identifier: Apache-2.0

package eventlog_test

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

var at = time.UnixMilli(1_750_000_000_123).UTC()

// entries returns n entries with the IDs 1000, 1001 and so on. Every second entry is a duplicate. The types are "type
// 0", "type 1", "type 2", "type 0" and so on.
func entries(n int) []eventlog.Entry {
	var all []eventlog.Entry
	for i := range n {
		status := eventlog.Succeeded
		if i%2 == 1 {
			status = eventlog.Duplicate
		}
		all = append(all, eventlog.Entry{
			ID: strconv.Itoa(1000 + i), Source: "production/shop", Type: "type " + strconv.Itoa(i%3), OrderingKey: "user " + strconv.Itoa(i),
			ReceivedAt: at, Status: status,
		})
	}
	return all
}

// ids returns the IDs of the entries, in their order.
func ids(entries []eventlog.Entry) []string {
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.ID)
	}
	return ids
}

// write writes entries, one call each.
func write(t *testing.T, log *eventlog.Log, entries ...eventlog.Entry) {
	t.Helper()
	for _, entry := range entries {
		if err := log.Append(t.Context(), []eventlog.Entry{entry}); err != nil {
			t.Fatal(err)
		}
	}
}

// list returns a page of the log.
func list(t *testing.T, log *eventlog.Log, query eventlog.Query) eventlog.Page {
	t.Helper()
	page, err := log.List(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// changedAt sets the time of an entry's last change in a log with one shard.
func changedAt(t *testing.T, client rueidis.Client, space keyspace.Space, id string, at time.Time) {
	t.Helper()
	command := client.B().Zadd().Key(space.Shard(0).LogIndex()).ScoreMember().ScoreMember(float64(at.UnixMilli()), id).Build()
	if err := client.Do(t.Context(), command).Error(); err != nil {
		t.Fatal(err)
	}
}

// size returns the number of records in the two sections of a log with one shard.
func size(t *testing.T, client rueidis.Client, space keyspace.Space) (all int) {
	t.Helper()
	for _, key := range []string{space.Shard(0).Log(), space.Shard(0).MinorLog()} {
		fields, err := client.Do(t.Context(), client.B().Hgetall().Key(key).Build()).AsStrMap()
		if err != nil {
			t.Fatal(err)
		}
		all += len(fields)
	}
	return all
}

func TestGetReturnsTheEntryThatAppendWrote(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		log := eventlog.Open(client, keyspace.New("production/shop", 4), eventlog.Limits{MaxEvents: 10})
		finished := at.Add(time.Second)
		want := eventlog.Entry{
			ID: "a", Source: "production/shop", Type: "track/Größe", Key: "k", OrderingKey: "u", ReceivedAt: at, FinishedAt: &finished,
			Timestamp: "2025-06-15", Status: eventlog.Skipped, Reason: "<why> & how", Verification: "failed", DuplicateOf: "b", Notes: []string{"n"},
			Payload: json.RawMessage("{ \"z\" : 1.0,\n\"a\":9007199254740993,\"h\":\"<&>\\u003c\" }"),
			Actions: []eventlog.Action{{
				Mapping: "m", Action: "identifyUser", Status: eventlog.Succeeded, Attempts: 2, Notes: []string{"n"},
				Requests: []eventlog.Request{{Method: "PUT", Path: "/v1/users/u", Body: json.RawMessage(`{"a":1.0}`), Status: 200, Response: "{}", At: &at, Took: 12.5}},
			}},
		}
		if err := log.Append(t.Context(), []eventlog.Entry{want}); err != nil {
			t.Fatal(err)
		}
		got, err := log.Get(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got, err := log.Get(t.Context(), "b"); got != nil || err != nil {
			t.Errorf("an unknown ID returned %v, %v; want nil, nil", got, err)
		}
	})
}

func TestDuplicatesAndUnmappedEventsDoNotPushOutDeliveredOnes(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		log := eventlog.Open(client, keyspace.New("production/shop", 1), eventlog.Limits{MaxEvents: 20})
		write(t, log, eventlog.Entry{ID: "delivered", Status: eventlog.Succeeded}, eventlog.Entry{ID: "failed", Status: eventlog.DeadLettered},
			eventlog.Entry{ID: "retrying", Status: eventlog.Retrying}, eventlog.Entry{ID: "skipped", Status: eventlog.Skipped, Actions: []eventlog.Action{{}}})
		for i := range 50 {
			write(t, log, eventlog.Entry{ID: "duplicate " + strconv.Itoa(i), Status: eventlog.Duplicate})
			write(t, log, eventlog.Entry{ID: "unmapped " + strconv.Itoa(i), Status: eventlog.Skipped})
		}
		got := ids(list(t, log, eventlog.Query{}).Entries)
		if len(got) != 6 { // two of them are minor
			t.Errorf("the log lists %v; want 6 entries", got)
		}
		for _, id := range []string{"delivered", "failed", "retrying", "skipped"} {
			if !slices.Contains(got, id) {
				t.Errorf("the log lists %v; want %s", got, id)
			}
		}
	})
}

func TestTheLogIsBoundedByCount(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		space := keyspace.New("production/shop", 1)
		log := eventlog.Open(client, space, eventlog.Limits{MaxEvents: 3})
		for i := range 6 {
			write(t, log, eventlog.Entry{ID: strconv.Itoa(i), Status: eventlog.Succeeded})
		}
		if diff := cmp.Diff([]string{"5", "4", "3"}, ids(list(t, log, eventlog.Query{}).Entries)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		log.Configure(eventlog.Limits{})
		write(t, log, eventlog.Entry{ID: "more"})
		if n := size(t, client, space); n != 0 {
			t.Errorf("%d records after the log was turned off; want none", n)
		}
	})
}

func TestASweepEnforcesTheLimitsOfAnIdleSource(t *testing.T) {
	for name, limits := range map[string]eventlog.Limits{
		"retention": {MaxEvents: 10_000, Retention: time.Hour},
		"count":     {MaxEvents: 10, Retention: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				space := keyspace.New("production/shop", 1)
				log := eventlog.Open(client, space, eventlog.Limits{MaxEvents: 10_000})
				var entries []eventlog.Entry
				for i := range 700 { // several steps
					entries = append(entries, eventlog.Entry{ID: strconv.Itoa(1000 + i), Status: eventlog.Succeeded})
				}
				if err := log.Append(t.Context(), entries); err != nil {
					t.Fatal(err)
				}
				for i := range 690 {
					changedAt(t, client, space, strconv.Itoa(1000+i), time.Now().Add(-2*time.Hour))
				}
				log.Configure(limits)
				if err := log.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				got := ids(list(t, log, eventlog.Query{}).Entries)
				if n := size(t, client, space); n != 10 || len(got) != 10 || got[9] != "1690" {
					t.Errorf("%d records are left, and the log lists %v; want the latest 10", n, got)
				}
			})
		})
	}
}

func TestRunSweepsUntilItsContextEnds(t *testing.T) {
	client := redistest.Start(t).Client(t)
	space := keyspace.New("production/shop", 1)
	log := eventlog.Open(client, space, eventlog.Limits{MaxEvents: 10})
	write(t, log, eventlog.Entry{ID: "a", Status: eventlog.Succeeded})
	log.Configure(eventlog.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan struct{})
	go func() {
		log.Run(ctx, func(err error) { t.Error(err) })
		close(returned)
	}()
	for size(t, client, space) > 0 { // if Run never sweeps, go test stops this loop at its timeout
	}
	cancel()
	<-returned
}
