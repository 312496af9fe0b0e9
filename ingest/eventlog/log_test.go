// SPDX-License-Identifier: Apache-2.0

package eventlog_test

import (
	"encoding/json"
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

// entries returns n entries with the IDs 1000, 1001 and so on. Every second one is a duplicate, and three types take turns.
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

// ids returns the IDs of the entries, in their order. The test fails if err is not nil.
func ids(t *testing.T, entries []eventlog.Entry, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, entry := range entries {
		ids = append(ids, entry.ID)
	}
	return ids
}

func TestAnEntryIsReadWithoutChange(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		log := eventlog.Open(client, keyspace.New("production/shop", 4), eventlog.Limits{MaxEvents: 10})
		finished := at.Add(time.Second)
		want := eventlog.Entry{
			ID: "a", Source: "production/shop", Type: "track/Größe", Key: "k", OrderingKey: "u", ReceivedAt: at, FinishedAt: &finished,
			Timestamp: "2025-06-15", Status: eventlog.Skipped, Reason: "<why> & how", Verification: "failed", DuplicateOf: "b", Notes: []string{"n"},
			Payload: json.RawMessage(`{"z":1.0,"a":9007199254740993,"h":"<&>\u003c"}`),
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

func TestListReturnsWhatTheQuerySelects(t *testing.T) {
	for name, tc := range map[string]struct {
		query eventlog.Query
		want  []string
	}{
		"all entries, the latest first":             {want: []string{"1005", "1004", "1003", "1002", "1001", "1000"}},
		"the latest two":                            {query: eventlog.Query{Limit: 2}, want: []string{"1005", "1004"}},
		"the next page":                             {query: eventlog.Query{Limit: 2, Before: "1004"}, want: []string{"1003", "1002"}},
		"a page after an entry that is not stored":  {query: eventlog.Query{Before: "x"}},
		"entries with a status":                     {query: eventlog.Query{Status: eventlog.Duplicate}, want: []string{"1005", "1003", "1001"}},
		"entries with a type":                       {query: eventlog.Query{Type: "type 0"}, want: []string{"1003", "1000"}},
		"entries with a type and status, next page": {query: eventlog.Query{Type: "type 0", Status: eventlog.Succeeded, Before: "1003"}, want: []string{"1000"}},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				log := eventlog.Open(client, keyspace.New("production/shop", 3), eventlog.Limits{MaxEvents: 100})
				for _, entry := range entries(6) { // one call each, so that they may or may not share a millisecond
					if err := log.Append(t.Context(), []eventlog.Entry{entry}); err != nil {
						t.Fatal(err)
					}
				}
				got, err := log.List(t.Context(), tc.query)
				if diff := cmp.Diff(tc.want, ids(t, got, err)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestPagesTogetherContainEveryEntryOnce(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		const n = 350
		log := eventlog.Open(client, keyspace.New("production/shop", 1), eventlog.Limits{MaxEvents: 1000})
		if err := log.Append(t.Context(), entries(n)); err != nil { // in one call, so that most have the same time
			t.Fatal(err)
		}
		seen, query := []string{}, eventlog.Query{Limit: 40, Status: eventlog.Duplicate}
		for {
			page, err := log.List(t.Context(), query)
			seen = append(seen, ids(t, page, err)...)
			if len(page) == 0 {
				break
			}
			query.Before = seen[len(seen)-1]
		}
		var want []string
		for i := n - 1; i >= 0; i -= 2 {
			want = append(want, strconv.Itoa(1000+i))
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTheLogIsBoundedByCountAndAge(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		space := keyspace.New("production/shop", 1)
		log := eventlog.Open(client, space, eventlog.Limits{MaxEvents: 3})
		for _, entry := range entries(6) {
			if err := log.Append(t.Context(), []eventlog.Entry{entry}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := log.List(t.Context(), eventlog.Query{})
		if diff := cmp.Diff([]string{"1005", "1004", "1003"}, ids(t, got, err)); diff != "" {
			t.Errorf("by count (-want +got):\n%s", diff)
		}

		log.Configure(eventlog.Limits{MaxEvents: 100, Retention: time.Hour})
		old := client.B().Zadd().Key(space.Shard(0).LogIndex()).ScoreMember().
			ScoreMember(float64(time.Now().Add(-2*time.Hour).UnixMilli()), "1003").Build()
		if err := client.Do(t.Context(), old).Error(); err != nil {
			t.Fatal(err)
		}
		if err := log.Append(t.Context(), []eventlog.Entry{{ID: "new"}}); err != nil {
			t.Fatal(err)
		}
		got, err = log.List(t.Context(), eventlog.Query{})
		if diff := cmp.Diff([]string{"new", "1005", "1004"}, ids(t, got, err)); diff != "" {
			t.Errorf("by age (-want +got):\n%s", diff)
		}

		log.Configure(eventlog.Limits{})
		if err := log.Append(t.Context(), []eventlog.Entry{{ID: "more"}}); err != nil {
			t.Fatal(err)
		}
		if got, err = log.List(t.Context(), eventlog.Query{}); len(got) != 0 || err != nil {
			t.Errorf("%d entries, %v after the log was turned off; want none", len(got), err)
		}
	})
}
