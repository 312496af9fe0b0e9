// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"fmt"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
	"github.com/doorbell-dev/doorbell/ingest/pipeline"
	"github.com/doorbell-dev/doorbell/ingest/template"
)

const (
	namespace, sourceName = "production", "rudderstack"
	urlToken              = "token"
	timeout               = 10 * time.Second
)

// configuration is the part of a source that a user may change while Doorbell delivers events.
type configuration struct {
	edition  int // of the mapping
	apiKey   string
	suspend  bool
	retryFor time.Duration
	bulk     bool // see plan.bulk
}

// build compiles the configuration: the default mappings of RudderStack, and a reminder like the one in config/samples,
// in two mappings for one event.
func (c configuration) build() (pipeline.Config, error) {
	base, err := template.Load("RudderStack")
	if err != nil {
		return pipeline.Config{}, err
	}
	doc := &document.Document{
		Namespace: namespace, Name: sourceName, Type: base.Type, Knock: document.Knock{BaseURL: "http://knock"},
		Event: document.Event{
			Type: base.EventType, Timestamp: base.Timestamp, IdempotencyKey: base.IdempotencyKey, OrderingKey: base.OrderingKey,
			Preprocess: base.Preprocess, Window: 24 * time.Hour,
		},
		Delivery: document.Delivery{Concurrency: 4, Timeout: timeout, RetryFor: c.retryFor, Suspend: c.suspend},
		EventLog: document.EventLog{MaxEvents: 10_000, Retention: 7 * 24 * time.Hour},
		Mappings: append(base.Mappings, c.reminder()...),
	}
	if c.bulk {
		doc.Delivery.RateLimits = map[string]int32{identifyAction: 1}
	}
	program, problems := mapping.Compile(doc)
	if len(problems) > 0 {
		return pipeline.Config{}, fmt.Errorf("the mappings do not compile: %v", problems)
	}
	return pipeline.Config{
		Document: doc, Program: program, Credentials: document.Credentials{Tokens: []string{urlToken}, APIKey: c.apiKey},
	}, nil
}

func (c configuration) reminder() []document.Mapping {
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
				{Name: "edition", Value: fmt.Sprintf("%d", c.edition)},
			}},
		}},
	}
}
