// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"fmt"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/rawjson"
)

// identify returns the function that sets the type and the keys of an event. The function ignores an error in the type
// expression. The pipeline evaluates the type again when it delivers the event, and skips the event with the reason if
// that fails too.
func identify(program *mapping.Program) func(*event.Event, *rawjson.Index) {
	return func(e *event.Event, members *rawjson.Index) { _ = program.Identify(e, members) }
}

// accept stores the events in the inbox. It finishes the events that no active mapping matches at once. It returns
// inbox.ErrUnavailable until the source is open in Redis.
func (p *Pipeline) accept(ctx context.Context, events []*event.Event) ([]inbox.Receipt, error) {
	open := p.opened.Load()
	if open == nil {
		return nil, fmt.Errorf("%w: the source is not open in Redis yet", inbox.ErrUnavailable)
	}
	unmapped := p.newUnmappedEvents()
	receipts, err := open.inbox.Accept(ctx, events, unmapped.record)
	if err == nil {
		p.countTypes(open, events, receipts)
		unmapped.observe(events, receipts)
	}
	return receipts, err
}

// countTypes counts the types of accepted events. A duplicate is not counted again.
func (p *Pipeline) countTypes(open *opened, events []*event.Event, receipts []inbox.Receipt) {
	config := p.config.Load()
	redact := func(body []byte) []byte { return redactor(config).Apply(eventlog.Entry{Payload: body}).Payload }
	for i, e := range events {
		if !receipts[i].Duplicate {
			open.types.Observe(e.Type, receipts[i].ReceivedAt, e.Body, redact)
		}
	}
}

// recordDuplicates writes an event log entry for each duplicate among the events. The event log is best effort: if it
// cannot be written, the sender still gets its success response, because the first copy of the event is stored.
func (p *Pipeline) recordDuplicates(ctx context.Context, events []*event.Event, receipts []inbox.Receipt) {
	open, config := p.opened.Load(), p.config.Load()
	redact := redactor(config)
	var entries []eventlog.Entry
	for i, e := range events {
		if receipts[i].Duplicate {
			entries = append(entries, redact.Apply(p.duplicateEntry(config, e, receipts[i])))
		}
	}
	if err := open.log.Append(ctx, entries); err != nil {
		p.dependencies.Log.V(1).Info("Duplicates not written to the event log", "source", p.ref, "error", err.Error())
	}
	if p.dependencies.Observe != nil {
		for _, entry := range entries {
			p.dependencies.Observe(entry)
		}
	}
}

func (p *Pipeline) duplicateEntry(config *Config, e *event.Event, receipt inbox.Receipt) eventlog.Entry {
	at := receipt.ReceivedAt
	return eventlog.Entry{
		ID: e.ID, Source: p.ref, Type: e.Type, Key: e.Key, OrderingKey: e.OrderingKey, ReceivedAt: at, FinishedAt: &at,
		Timestamp: config.Program.Timestamp(e), Status: eventlog.Duplicate, DuplicateOf: receipt.DuplicateOf,
		Reason: "the same key and type were received before", Verification: e.Verification, Payload: e.Body,
	}
}
