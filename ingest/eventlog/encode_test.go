// SPDX-License-Identifier: Apache-2.0

package eventlog_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

const maxRecord = 64 << 10

func TestARecordHasTheJSONOfEncodingJSON(t *testing.T) {
	finished := at.Add(1500 * time.Microsecond)
	for name, entry := range map[string]eventlog.Entry{
		"empty":     {},
		"delivered": delivered(1),
		"with every field": {
			ID: "a", Source: "production/shop", Type: "track/\"Größe\"", Key: "k", OrderingKey: "u", ReceivedAt: at, FinishedAt: &finished,
			Timestamp: "2025-06-15", Status: eventlog.Skipped, Reason: "<why> & how", Verification: "failed", DuplicateOf: "b", Notes: []string{"n", ""},
			Payload: json.RawMessage(`{"z":1.0,"a":9007199254740993,"h":"<&>\u003c"}`),
			Actions: []eventlog.Action{{}, {
				Mapping: "m", Action: "identifyUser", Status: eventlog.Succeeded, Reason: "r", Attempts: 2, Notes: []string{"n"},
				Requests: []eventlog.Request{{}, {Method: "PUT", Path: "/v1/users/u?a=b&c=<", Body: json.RawMessage(`{"a":1.0}`), Status: 200, Response: "{}", At: &at, Took: 0.001}},
			}},
			Cut: []eventlog.Cut{{Field: "payload", Bytes: 100_000}, {Field: "actions", Elements: 5000}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var want strings.Builder
			encoder := json.NewEncoder(&want)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(entry); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimSuffix(want.String(), "\n"), string(eventlog.Encode(entry))); diff != "" {
				t.Errorf("(-encoding/json +Encode):\n%s", diff)
			}
		})
	}
}

func TestARecordHasAtMost64KiBAndListsItsCutParts(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	payload := json.RawMessage(`{"text":"` + strings.Repeat("é", 50_000) + `"}`)
	requests := func(n int, r eventlog.Request) (list []eventlog.Request) {
		for range n {
			list = append(list, r)
		}
		return list
	}
	for name, tc := range map[string]struct {
		entry eventlog.Entry
		cut   []eventlog.Cut
	}{
		"just short enough": {entry: eventlog.Entry{Reason: long[:maxRecord-len(eventlog.Encode(eventlog.Entry{Reason: "x"}))+1]}},
		"a payload": {
			entry: eventlog.Entry{Payload: payload, Actions: []eventlog.Action{{Reason: "short"}}},
			cut:   []eventlog.Cut{{Field: "payload", Bytes: 100_011}},
		},
		"a payload just above the limit, with escapes": {
			entry: eventlog.Entry{Payload: json.RawMessage(`[` + strings.Repeat(`"\\",`, 13_100) + `1]`)},
			cut:   []eventlog.Cut{{Field: "payload", Bytes: 65_503}},
		},
		"texts that the sender chose": {
			entry: eventlog.Entry{Type: long, Key: long, OrderingKey: long, Timestamp: long, Reason: long, Notes: []string{"n", long}},
			cut: []eventlog.Cut{
				{Field: "type", Bytes: 100_000},
				{Field: "key", Bytes: 100_000},
				{Field: "orderingKey", Bytes: 100_000},
				{Field: "timestamp", Bytes: 100_000},
				{Field: "reason", Bytes: 100_000},
				{Field: "notes.1", Bytes: 100_000},
			},
		},
		"a request": {
			entry: eventlog.Entry{Actions: []eventlog.Action{{Notes: []string{long}, Requests: []eventlog.Request{{}, {Path: long, Body: payload, Response: long}}}}},
			cut: []eventlog.Cut{
				{Field: "actions.0.notes.0", Bytes: 100_000},
				{Field: "actions.0.requests.1.path", Bytes: 100_000},
				{Field: "actions.0.requests.1.body", Bytes: 100_011},
				{Field: "actions.0.requests.1.response", Bytes: 100_000},
			},
		},
		"many actions": {
			entry: eventlog.Entry{Actions: make([]eventlog.Action, 5000)},
			cut:   []eventlog.Cut{{Field: "actions", Elements: 5000}},
		},
		"many requests": {
			entry: eventlog.Entry{Actions: []eventlog.Action{{Requests: requests(3000, eventlog.Request{Path: "/v1/users/u"})}}},
			cut:   []eventlog.Cut{{Field: "actions.0.requests", Elements: 3000}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := fmt.Sprint(tc.entry)
			record := eventlog.Encode(tc.entry)
			if len(record) > maxRecord || len(record) < maxRecord/8 {
				t.Errorf("the record has %d bytes", len(record))
			}
			var got eventlog.Entry
			if err := json.Unmarshal(record, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.cut, got.Cut); diff != "" {
				t.Errorf("cut (-want +got):\n%s", diff)
			}
			if fmt.Sprint(tc.entry) != before {
				t.Error("Encode changed its argument")
			}
			if len(tc.cut) > 0 && tc.cut[0].Field == "payload" {
				var beginning string
				if err := json.Unmarshal(got.Payload, &beginning); err != nil || !strings.HasPrefix(string(tc.entry.Payload), beginning) {
					t.Errorf("the payload is not a JSON string that holds its beginning: %v, %.40s", err, got.Payload)
				}
			}
		})
	}
}

func TestTheWorstEntryFitsIntoARecord(t *testing.T) {
	worst := strings.Repeat("\x01", 1<<16)
	requests := make([]eventlog.Request, 100)
	for i := range requests {
		requests[i] = eventlog.Request{Method: "DELETE", Path: worst, Body: json.RawMessage(worst), Status: 599, Response: worst, At: &at, Took: 123456.789}
	}
	action := eventlog.Action{
		Mapping: strings.Repeat("m", 253), Action: "unsubscribeFromObject", Status: eventlog.DeadLettered, Reason: worst,
		Notes: []string{worst, worst, worst, worst, worst}, Attempts: 1 << 30, Requests: requests,
	}
	record := eventlog.Encode(eventlog.Entry{
		ID: strings.Repeat("i", 36), Source: strings.Repeat("s", 317), Type: worst, Key: worst, OrderingKey: worst, ReceivedAt: at, FinishedAt: &at,
		Timestamp: worst, Status: eventlog.DeadLettered, Reason: worst, Notes: action.Notes, Payload: json.RawMessage(worst),
		Actions: []eventlog.Action{action, action, action, action, action},
	})
	if len(record) > maxRecord || !json.Valid(record) {
		t.Errorf("the record has %d bytes, valid JSON: %v", len(record), json.Valid(record))
	}
}
