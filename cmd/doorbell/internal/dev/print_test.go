// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
)

func entry(status eventlog.Status) eventlog.Entry {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	return eventlog.Entry{
		ID: "1", Source: "n/s", Type: "track/\x1b[31mOrder", OrderingKey: "u\n1", ReceivedAt: at, Status: status, Reason: "because",
		Notes: []string{"odd"},
		Actions: []eventlog.Action{{
			Mapping: "m", Action: "identifyUser", Status: eventlog.Succeeded, Notes: []string{"left out"},
			Requests: []eventlog.Request{
				{Method: "PUT", Path: "/v1/users/u", Body: json.RawMessage(`{"a":1}`), Status: 200, At: &at, Took: 12.4},
				{Method: "PUT", Path: "/v1/users/v"},
				{Method: "PUT", Path: "/v1/users/w", At: &at, Response: "connection refused"},
			},
		}},
	}
}

func TestTextHasNoControlCharactersOfTheSender(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out}
	p.event(entry(eventlog.Succeeded))
	want := `03:04:05 succeeded track/·[31mOrder  u·1  (because)
    note: odd
  succeeded m (identifyUser)
      PUT /v1/users/u → 200 in 12 ms
      {"a":1}
      PUT /v1/users/v (not sent yet)
      PUT /v1/users/w → connection refused
      note: left out
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestJSONHasOneLineForEachFinalEntry(t *testing.T) {
	var out bytes.Buffer
	p := &printer{out: &out, json: true}
	p.event(entry(eventlog.Retrying))
	p.event(entry(eventlog.DeadLettered))
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != 1 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	var got struct{ Kind, Status, ID string }
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.Kind != "event" || got.Status != "dead-lettered" || got.ID != "1" {
		t.Errorf("got %+v", got)
	}
}
