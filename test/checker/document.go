// SPDX-License-Identifier: Apache-2.0

package checker

import (
	"strconv"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

// The source of the events.
const (
	Namespace = "production"
	Source    = "rudderstack"
)

// Document returns the configuration of the source: the default mappings of RudderStack, and a reminder like the one in
// config/samples, in two mappings for one event. The edition is part of each reminder, so that a test can edit the
// mappings.
func Document(knockURL string, edition int, delivery document.Delivery) (*document.Document, error) {
	base, err := template.Load("RudderStack")
	if err != nil {
		return nil, err
	}
	return &document.Document{
		Namespace: Namespace, Name: Source, Type: base.Type, Knock: document.Knock{BaseURL: knockURL},
		Event: document.Event{
			Type: base.EventType, Timestamp: base.Timestamp, IdempotencyKey: base.IdempotencyKey, OrderingKey: base.OrderingKey,
			Preprocess: base.Preprocess, Window: 24 * time.Hour,
		},
		Delivery: delivery,
		EventLog: document.EventLog{MaxEvents: 10_000, Retention: 7 * 24 * time.Hour},
		Mappings: append(base.Mappings, reminder(edition)...),
	}, nil
}

func reminder(edition int) []document.Mapping {
	text := func(value string) document.Parameter { return document.Parameter{Text: value} }
	return []document.Mapping{
		{Name: "cart-1-cancel", Event: "track/product_added", Action: "cancelWorkflow", Parameters: document.Parameters{
			"workflow": text("cart-reminder"), "cancellationKey": text("body.properties.cart_id"),
			"recipients": text("[body.userId, body.messageId]"), // the second recipient shows to which event the call belongs
		}},
		{Name: "cart-2-remind", Event: "track/product_added", Action: "triggerWorkflow", Parameters: document.Parameters{
			"workflow": text("cart-reminder"), "cancellationKey": text("body.properties.cart_id"), "recipients": text("body.userId"),
			"data": {Fields: []document.Field{
				{Name: "event", Value: "body.properties.event"},
				{Name: "edition", Value: strconv.Itoa(edition)},
			}},
		}},
	}
}
