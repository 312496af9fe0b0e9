// SPDX-License-Identifier: Apache-2.0

// Package event defines one received event: how a request body is split into events, which fields identify an event,
// and how it is encoded for storage in Redis. The receiver creates events. Mappings, the inbox and deliveries read
// them. The package must never do I/O. Redis stores events in the encoding of this package, so every version of
// Doorbell must decode the encodings of all earlier versions.
package event

import "time"

// Event is one event as it was received, with the values that were extracted from it at that time.
type Event struct {
	// ID is the unique ID that Doorbell gives the event. IDs sort by time of receipt.
	ID string
	// Type is the event type as received, such as "track/Order Completed".
	Type string
	// Key is the idempotency key. It is empty if the event has no usable key.
	Key string
	// OrderingKey names the lane. Events with equal ordering keys are delivered in the order in which they were
	// accepted.
	OrderingKey string
	// ReceivedAt is when the inbox accepted the event, by the clock of Redis, with a precision of milliseconds. It is
	// zero until then.
	ReceivedAt time.Time
	// Verification is "failed" if the sender failed a verification that is not enforced, and empty otherwise.
	Verification string
	// Headers are the headers of the request without credentials. Names are in lower case; repeated values are joined
	// with ", ".
	Headers map[string]string
	// Body is the JSON object of the event, byte for byte as it was sent.
	Body []byte
}
