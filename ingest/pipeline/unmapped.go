// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

const (
	// recordInterval is the time between two writes of a recorder, and recordTimeout bounds one write.
	recordInterval = time.Second
	recordTimeout  = 5 * time.Second
	// maxRecorded and maxRecordedBytes bound the entries that wait for the next write. The event log has no room for more of them.
	maxRecorded      = 1000
	maxRecordedBytes = 4 << 20
	// maxRecordedPayload is the size in bytes of the largest payload that is recorded.
	maxRecordedPayload = 64 << 10
)

// recorder writes event log entries in the background, so that no sender waits for them. It drops the entries that arrive while too
// many wait. It is safe for concurrent use.
type recorder struct {
	log *eventlog.Log

	mu      sync.Mutex
	waiting []eventlog.Entry
	bytes   int // of the payloads of the waiting entries
}

// add records an entry, and copies its payload, which shares memory with the body of a request. It drops the entry if too many wait.
func (r *recorder) add(entry eventlog.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) >= maxRecorded || r.bytes+len(entry.Payload) > maxRecordedBytes {
		return
	}
	entry.Payload = bytes.Clone(entry.Payload)
	r.waiting = append(r.waiting, entry)
	r.bytes += len(entry.Payload)
}

// full reports whether add would drop every entry, so that the caller need not make one.
func (r *recorder) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting) >= maxRecorded
}

// run writes the waiting entries every second until ctx ends, and once more then. failed is called with the error of a write, whose
// entries are lost.
func (r *recorder) run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(recordInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			r.write(context.WithoutCancel(ctx), failed)
			return
		case <-ticker.C:
			r.write(ctx, failed)
		}
	}
}

func (r *recorder) write(ctx context.Context, failed func(error)) {
	r.mu.Lock()
	entries := r.waiting
	r.waiting, r.bytes = nil, 0
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if err := r.log.Append(ctx, entries); err != nil {
		failed(err)
	}
}

// recordUnmapped counts and records the events that the inbox has finished, because no mapping matches them.
func (p *Pipeline) recordUnmapped(open *opened, config *Config, events []*event.Event, receipts []inbox.Receipt) {
	var redact *eventlog.Redactor
	for i, e := range events {
		if !receipts[i].Unmapped {
			continue
		}
		p.dependencies.Metrics.CountEvent(eventlog.Skipped)
		if p.dependencies.Observe == nil && open.unmapped.full() {
			continue
		}
		if redact == nil {
			redact = redactor(config)
		}
		entry := redact.Apply(p.unmappedEntry(config, e))
		open.unmapped.add(entry)
		if p.dependencies.Observe != nil {
			p.dependencies.Observe(entry)
		}
	}
}

func (p *Pipeline) unmappedEntry(config *Config, e *event.Event) eventlog.Entry {
	at, plan := e.ReceivedAt, config.Program.Plan(e)
	entry := eventlog.Entry{
		ID: e.ID, Source: p.ref, Type: e.Type, Key: e.Key, OrderingKey: e.OrderingKey, ReceivedAt: at, FinishedAt: &at,
		Timestamp: plan.Timestamp, Status: eventlog.Skipped, Reason: plan.Reason, Verification: e.Verification,
	}
	if len(e.Body) > maxRecordedPayload {
		entry.Notes = []string{"payload omitted: it is longer than 64 KiB"}
	} else {
		entry.Payload = e.Body
	}
	return entry
}
