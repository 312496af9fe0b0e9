// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// unmappedEvents finds the events of one request that no active mapping matches. The inbox finishes them when it accepts
// the request, and writes their event log entries in the same step.
type unmappedEvents struct {
	pipeline *Pipeline
	config   *Config
	redact   *eventlog.Redactor         // nil until the first of these events
	entries  map[string]*eventlog.Entry // by event ID; nil if nobody observes entries
}

func (p *Pipeline) newUnmappedEvents() *unmappedEvents {
	u := &unmappedEvents{pipeline: p, config: p.config.Load()}
	if p.dependencies.Observe != nil {
		u.entries = map[string]*eventlog.Entry{}
	}
	return u
}

// record reports whether no active mapping matches the event. If so, it returns the event's log record. An event whose
// type cannot be read is not unmapped, because delivery reads its type again.
func (u *unmappedEvents) record(e *event.Event) (record []byte, unmapped bool) {
	reason := u.config.Program.Unmapped(e.Type)
	if reason == "" {
		return nil, false
	}
	if u.redact == nil {
		u.redact = redactor(u.config)
	}
	entry := u.redact.Apply(u.entry(e, reason))
	if u.entries != nil {
		u.entries[e.ID] = &entry
	}
	return eventlog.Encode(entry), true
}

// entry returns the event log entry before redaction. Its times are those of this process, because Redis has not
// accepted the event yet.
func (u *unmappedEvents) entry(e *event.Event, reason string) eventlog.Entry {
	at := u.pipeline.dependencies.Now().UTC().Truncate(time.Millisecond)
	return eventlog.Entry{
		ID: e.ID, Source: u.pipeline.ref, Type: e.Type, Key: e.Key, OrderingKey: e.OrderingKey, ReceivedAt: at, FinishedAt: &at,
		Timestamp: u.config.Program.Timestamp(e), Status: eventlog.Skipped, Reason: reason, Verification: e.Verification,
		Payload: e.Body,
	}
}

// observe counts the events that the inbox has finished, and passes their entries to Observe.
func (u *unmappedEvents) observe(events []*event.Event, receipts []inbox.Receipt) {
	for i, e := range events {
		if !receipts[i].Unmapped {
			continue
		}
		u.pipeline.dependencies.Metrics.CountEvent(eventlog.Skipped)
		if u.entries != nil {
			u.pipeline.dependencies.Observe(*u.entries[e.ID])
		}
	}
}
