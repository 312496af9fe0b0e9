// SPDX-License-Identifier: Apache-2.0

package eventlog_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// delivered returns the entry of a delivered RudderStack track event, about 1.5 KB long.
func delivered(i int) eventlog.Entry {
	id, user := "01980000-0000-7000-8000-"+strconv.Itoa(100000000000+i), "user-"+strconv.Itoa(i)
	finished := at.Add(20 * time.Millisecond)
	payload := `{"type":"track","event":"Order Completed","userId":"` + user + `","messageId":"m-` + strconv.Itoa(i) +
		`","properties":{"order_id":"o-` + strconv.Itoa(i) + `","total":99.90,"currency":"EUR","products":[{"sku":"A-1","name":"Tea & Co. <large>"}]},` +
		`"context":{"ip":"203.0.113.7","userAgent":"` + strings.Repeat("Mozilla/5.0 ", 20) + `","locale":"de-DE"},"originalTimestamp":"2025-06-15T14:26:40.123Z"}`
	return eventlog.Entry{
		ID: id, Source: "production/shop", Type: "track/Order Completed", Key: "m-" + strconv.Itoa(i), OrderingKey: user,
		ReceivedAt: at, FinishedAt: &finished, Timestamp: "2025-06-15T14:26:40.123Z", Status: eventlog.Succeeded, Payload: json.RawMessage(payload),
		Actions: []eventlog.Action{{
			Mapping: "order-completed", Action: "triggerWorkflow", Status: eventlog.Succeeded, Attempts: 1,
			Requests: []eventlog.Request{{
				Method: "POST", Path: "/v1/workflows/order-completed/trigger", Status: 200, Response: `{"workflow_run_id":"0f4b1d5e"}`, At: &at, Took: 12.345,
				Body: json.RawMessage(`{"recipients":["` + user + `"],"data":{"order_id":"o-` + strconv.Itoa(i) + `","total":99.90,"currency":"EUR"}}`),
			}},
		}},
	}
}

func BenchmarkEncode(b *testing.B) {
	entry := delivered(1)
	b.ReportAllocs()
	for b.Loop() {
		eventlog.Encode(entry)
	}
}

func BenchmarkRedact(b *testing.B) {
	entry := delivered(1)
	redactor := eventlog.NewRedactor([]string{"body.context.ip", "body.userId"}, false)
	b.ReportAllocs()
	for b.Loop() {
		redactor.Apply(entry)
	}
}

// BenchmarkList reads pages from a log of 10,000 entries on a real Redis.
func BenchmarkList(b *testing.B) {
	client := redistest.Start(b).Client(b)
	log := eventlog.Open(client, keyspace.New("production/shop", 1), eventlog.Limits{MaxEvents: 10_000})
	var entries []eventlog.Entry
	for i := range 10_000 {
		entries = append(entries, delivered(i))
	}
	if err := log.Append(b.Context(), entries); err != nil {
		b.Fatal(err)
	}
	for name, query := range map[string]eventlog.Query{
		"newest 100":                      {},
		"status of every entry":           {Status: eventlog.Succeeded},
		"user found in the last entry":    {User: "user-0"},
		"text found nowhere":              {Text: "found nowhere"},
		"mapping found nowhere":           {Mapping: "found nowhere"},
		"type found nowhere":              {Type: "found nowhere"},
		"status found nowhere, 10 a page": {Status: eventlog.DeadLettered, Limit: 10},
	} {
		b.Run(name, func(b *testing.B) {
			pages := 0
			for b.Loop() {
				page, err := log.List(b.Context(), query)
				if err != nil {
					b.Fatal(err)
				}
				query.Cursor = page.Next // after the last page, the search begins again
				pages++
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(pages), "ms/page")
		})
	}
}
