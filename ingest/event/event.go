// SPDX-License-Identifier: Apache-2.0

// Package event holds one received event: how a request body becomes events, what identifies one, and how it is stored.
package event

import "time"

// Event is one event as received, with what was read from it on receipt.
type Event struct {
	// ID is Doorbell's own: unique, and sortable by time of receipt.
	ID string
	// Type is the event type as received, such as "track/Order Completed".
	Type string
	// Key is the idempotency key; empty when the event has none that is usable.
	Key string
	// OrderingKey names the lane: events with equal keys run in the order in which they were accepted.
	OrderingKey string
	// ReceivedAt is when the inbox took it, by Redis's clock, to the millisecond. Zero until then.
	ReceivedAt time.Time
	// Verification is empty when the sender was verified or need not be, "failed" when it failed but was not enforced.
	Verification string
	// Headers are the request's, names in lower case, repeated values joined by ", ", without credentials.
	Headers map[string]string
	// Body is the event's JSON object, byte for byte.
	Body []byte
}
