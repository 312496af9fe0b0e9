// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// LogEntry returns the event's entry for the event log, before redaction.
func (p *Progress) LogEntry(source string, e *event.Event, status eventlog.Status, reason string) eventlog.Entry {
	entry := eventlog.Entry{
		ID: e.ID, Source: source, Type: e.Type, Key: e.Key, OrderingKey: e.OrderingKey, ReceivedAt: e.ReceivedAt,
		Timestamp: p.Timestamp, Status: status, Reason: reason, Verification: e.Verification, Notes: p.Notes, Payload: e.Body,
	}
	for _, a := range p.Actions {
		logged := eventlog.Action{
			Mapping: a.Mapping, Action: string(a.Name), Status: a.Status, Reason: a.Reason, Notes: a.Notes, Attempts: a.Attempts,
		}
		for _, c := range a.Calls {
			sent := c.sent()
			logged.Requests = append(logged.Requests, eventlog.Request{
				Method: sent.Method, Path: sent.Path, Body: sent.Body,
				Status: c.Status, Response: c.Response, At: c.At, Took: eventlog.ToMilliseconds(c.Took),
			})
		}
		entry.Actions = append(entry.Actions, logged)
	}
	return entry
}

// sent returns what the last attempt sent for the event: the request, or in a bulk call the row.
func (c *Call) sent() knock.Request {
	if c.Bulk == nil {
		return c.Request
	}
	user, isUser := knock.NewBulkUser(c.Request)
	row, err := user.Row()
	if !isUser || err != nil {
		return c.Request
	}
	sent, err := knock.NewRequestWithBody(knock.BulkIdentify, row)
	if err != nil {
		return c.Request
	}
	return sent
}
