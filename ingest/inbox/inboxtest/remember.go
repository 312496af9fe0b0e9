// SPDX-License-Identifier: Apache-2.0

package inboxtest

import (
	"context"
	"strconv"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
)

// rememberAtOnce is the number of events that RememberKeys passes to each call of Accept.
const rememberAtOnce = 500

// RememberKeys adds the keys of n new events to the dedupe window. The events are unmapped and have no log record, so
// the inbox finishes them when it accepts them. Their keys are the numbers from first on. RememberKeys returns the
// number of events that the inbox has mistaken for duplicates. If advance is not nil, RememberKeys calls it before each
// call of Accept with the number of keys so far.
func RememberKeys(ctx context.Context, b *inbox.Inbox, first, n int, advance func(keys int)) (duplicates int, err error) {
	unmapped := func(*event.Event) ([]byte, bool) { return nil, true }
	events := make([]*event.Event, 0, rememberAtOnce)
	for done := 0; done < n; done += len(events) {
		if advance != nil {
			advance(done)
		}
		events = events[:0]
		for i := done; i < n && len(events) < rememberAtOnce; i++ {
			key := strconv.Itoa(first + i)
			events = append(events, &event.Event{ID: key, Type: "track/Order Completed", Key: key, OrderingKey: "u"})
		}
		receipts, err := b.Accept(ctx, events, unmapped)
		if err != nil {
			return duplicates, err
		}
		for _, r := range receipts {
			if r.Duplicate {
				duplicates++
			}
		}
	}
	return duplicates, nil
}
