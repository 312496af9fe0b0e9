// SPDX-License-Identifier: Apache-2.0

package eventlog_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestListReturnsWhatTheQuerySelects(t *testing.T) {
	for name, tc := range map[string]struct {
		query eventlog.Query
		want  []string
	}{
		"all entries, the latest first":        {want: []string{"1005", "1004", "1003", "1002", "1001", "1000"}},
		"the latest two":                       {query: eventlog.Query{Limit: 2}, want: []string{"1005", "1004"}},
		"entries with a status":                {query: eventlog.Query{Status: eventlog.Duplicate}, want: []string{"1005", "1003", "1001"}},
		"entries with a type":                  {query: eventlog.Query{Type: "type 0"}, want: []string{"1003", "1000"}},
		"entries with a type and a status":     {query: eventlog.Query{Type: "type 0", Status: eventlog.Succeeded}, want: []string{"1000"}},
		"entries of a user":                    {query: eventlog.Query{User: "user 4"}, want: []string{"1004"}},
		"entries of an unknown user":           {query: eventlog.Query{User: "user"}},
		"entries of a mapping":                 {query: eventlog.Query{Mapping: "mapping 1"}, want: []string{"1005", "1003", "1001"}},
		"text in the payload":                  {query: eventlog.Query{Text: `<b>4 & "more`}, want: []string{"1004"}},
		"text in the payload, with its quotes": {query: eventlog.Query{Text: `"text":"<b>2`}, want: []string{"1002"}},
		"text outside the payload":             {query: eventlog.Query{Text: "mapping"}},
	} {
		t.Run(name, func(t *testing.T) {
			redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
				log := eventlog.Open(client, keyspace.New("production/shop", 3), eventlog.Limits{MaxEvents: 100})
				for i, entry := range entries(6) { // one call each, so that they may or may not share a millisecond
					entry.Payload = json.RawMessage(`{"text":"<b>` + strconv.Itoa(i) + ` & \"more\""}`)
					entry.Actions = []eventlog.Action{{Mapping: "first"}, {Mapping: "mapping " + strconv.Itoa(i%2)}}
					write(t, log, entry)
				}
				if diff := cmp.Diff(tc.want, ids(list(t, log, tc.query).Entries)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestListReturnsEntriesOfATimeRange(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		space := keyspace.New("production/shop", 1)
		log := eventlog.Open(client, space, eventlog.Limits{MaxEvents: 100})
		for i := range 6 {
			id := strconv.Itoa(i)
			write(t, log, eventlog.Entry{ID: id, Status: eventlog.Succeeded})
			changedAt(t, client, space, id, at.Add(time.Duration(i)*time.Minute))
		}
		query := eventlog.Query{Since: at.Add(time.Minute), Until: at.Add(4 * time.Minute), Limit: 2}
		first := list(t, log, query)
		query.Cursor = first.Next
		second := list(t, log, query)
		if diff := cmp.Diff([][]string{{"3", "2"}, {"1"}}, [][]string{ids(first.Entries), ids(second.Entries)}); diff != "" || second.Next != "" {
			t.Errorf("(-want +got):\n%s\nlast cursor %q", diff, second.Next)
		}
	})
}

func TestPagesTogetherContainEveryEntryOnceWhileNewEntriesArrive(t *testing.T) {
	redistest.OnEach(t, func(t *testing.T, client rueidis.Client) {
		const n = 1500
		log := eventlog.Open(client, keyspace.New("production/shop", 2), eventlog.Limits{MaxEvents: 20_000})
		if err := log.Append(t.Context(), entries(n)); err != nil { // in few calls, so that most have the same time
			t.Fatal(err)
		}
		seen, query := []string{}, eventlog.Query{Limit: 70, Status: eventlog.Duplicate}
		for i := 0; ; i++ {
			page := list(t, log, query)
			seen = append(seen, ids(page.Entries)...)
			if query.Cursor = page.Next; query.Cursor == "" {
				break
			}
			write(t, log, eventlog.Entry{ID: strconv.Itoa(i), Status: eventlog.Duplicate})
		}
		var want []string
		for i := 1; i < n; i += 2 {
			want = append(want, strconv.Itoa(1000+i))
		}
		slices.Sort(seen)
		slices.Sort(want)
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestAPageReadsABoundedNumberOfRecordsAndItsCursorContinuesTheSearch(t *testing.T) {
	for name, tc := range map[string]struct {
		entries, length int
		least           int // number of pages
	}{
		"many records":  {entries: 6000, length: 100, least: 3},
		"large records": {entries: 500, length: 40_000, least: 3},
	} {
		t.Run(name, func(t *testing.T) {
			client := redistest.Start(t).Client(t)
			log := eventlog.Open(client, keyspace.New("production/shop", 1), eventlog.Limits{MaxEvents: 10_000})
			write(t, log, eventlog.Entry{ID: "wanted", OrderingKey: "wanted", Status: eventlog.Succeeded})
			var others []eventlog.Entry
			for i := range tc.entries {
				others = append(others, eventlog.Entry{ID: strconv.Itoa(i), Status: eventlog.Succeeded, Reason: strings.Repeat("x", tc.length)})
			}
			if err := log.Append(t.Context(), others); err != nil {
				t.Fatal(err)
			}
			query := eventlog.Query{User: "wanted"}
			for pages := 1; ; pages++ {
				page := list(t, log, query)
				if len(page.Entries) > 0 {
					if pages < tc.least {
						t.Errorf("found on page %d; want %d or later, because a page is bounded", pages, tc.least)
					}
					return
				}
				if query.Cursor = page.Next; query.Cursor == "" {
					t.Fatalf("not found on %d pages", pages)
				}
			}
		})
	}
}

func TestListRejectsACursorThatItDidNotMake(t *testing.T) {
	client := redistest.Start(t).Client(t)
	log := eventlog.Open(client, keyspace.New("production/shop", 1), eventlog.Limits{MaxEvents: 10})
	for _, cursor := range []string{"x", "-", "-a", "!-a", "-1-a", "zzzzzzzzzzzzzzzzzzzzz-a", "1-"} {
		_, err := log.List(t.Context(), eventlog.Query{Cursor: cursor})
		if _, ok := errors.AsType[*eventlog.CursorError](err); !ok {
			t.Errorf("cursor %q: %v; want a CursorError", cursor, err)
		}
	}
}

func TestADamagedRecordDoesNotHideTheOthers(t *testing.T) {
	client := redistest.Start(t).Client(t)
	space := keyspace.New("production/shop", 1)
	log := eventlog.Open(client, space, eventlog.Limits{MaxEvents: 10})
	write(t, log, eventlog.Entry{ID: "a", Status: eventlog.Succeeded}, eventlog.Entry{ID: "b", Status: eventlog.Succeeded})
	for _, damaged := range []string{"", "garbage", "{", `{"status":"succeeded"`, "[1]"} {
		if err := client.Do(t.Context(), client.B().Hset().Key(space.Shard(0).Log()).FieldValue().FieldValue("a", damaged).Build()).Error(); err != nil {
			t.Fatal(err)
		}
		for _, query := range []eventlog.Query{{}, {Status: eventlog.Succeeded}} {
			got := list(t, log, query).Entries
			if !slices.Contains(ids(got), "b") {
				t.Errorf("record %q: %+v; want entry b", damaged, got)
			}
		}
	}
}

func TestAPageAsJSONKeepsTheBytesOfPayloads(t *testing.T) {
	payload := "{ \"a\" : 1.0,\t\"h\":\"<&>\\u003c\" }"
	page := eventlog.Page{Entries: []eventlog.Entry{{ID: "a", ReceivedAt: at, Payload: json.RawMessage(payload)}, {ID: "b", ReceivedAt: at}}, Next: "1-b"}
	want := `{"entries":[{"id":"a","source":"","type":"","orderingKey":"","receivedAt":"2025-06-15T15:06:40.123Z","status":"","payload":` + payload +
		`},{"id":"b","source":"","type":"","orderingKey":"","receivedAt":"2025-06-15T15:06:40.123Z","status":""}],"next":"1-b"}`
	if diff := cmp.Diff(want, string(page.AppendJSON(nil))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := (&eventlog.Page{}).AppendJSON(nil); string(got) != `{"entries":[]}` {
		t.Errorf("an empty page is %s", got)
	}
}
