// SPDX-License-Identifier: Apache-2.0

package mapping_test

import (
	"fmt"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/mapping"
)

// These are bodies of about 1 KB, as the JavaScript SDK sends them.
const (
	webContext = `"context":{"app":{"build":"1.0.0","name":"Example Shop","namespace":"com.example.shop","version":"3.4.1"},` +
		`"library":{"name":"RudderLabs JavaScript SDK","version":"3.4.1"},"locale":"en-GB","timezone":"GMT+0100","os":{"name":"","version":""},` +
		`"page":{"path":"/checkout/thanks","referrer":"https://shop.example.com/checkout","search":"","title":"Thank you","url":"https://shop.example.com/checkout/thanks"},` +
		`"screen":{"density":1.6,"width":1440,"height":900},"sessionId":1763900000,` +
		`"traits":{"company":{"id":"c_17"},"email":"grace@example.com","name":"Grace Lind","plan":"team","createdAt":"2025-11-03T08:00:00Z"},` +
		`"userAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"},`
	webRest = `"integrations":{"All":true},"messageId":"508d5e8c-96e4-4301-bd46-1890dba5c866","originalTimestamp":"2026-01-15T09:31:00.000Z",` +
		`"sentAt":"2026-01-15T09:31:00.120Z","userId":"u_481"}`
	webIdentify = `{"anonymousId":"21b43de4-3b9b-423f-b51f-794eae31fc03","channel":"web",` + webContext + `"type":"identify",` + webRest
	webOrder    = `{"anonymousId":"21b43de4-3b9b-423f-b51f-794eae31fc03","channel":"web",` + webContext +
		`"event":"Order Completed","properties":{"order_id":"ord_77","total":129.5,"currency":"EUR","products":[{"id":"p1","quantity":1},{"id":"p2","quantity":2}]},"type":"track",` + webRest
)

// plainOrder and plainIdentify are mappings that use only paths.
const (
	plainOrder    = `"workflow":"order-completed","recipients":"body.userId","dataFrom":"body.properties"`
	plainIdentify = `"id":"body.userId","name":"body.context.traits.name","email":"body.context.traits.email","locale":"body.context.locale"`
)

func BenchmarkIdentify(b *testing.B) {
	paths := custom(b)
	paths.Event.IdempotencyKey, paths.Event.OrderingKey = "body.messageId", "body.userId"
	for _, bench := range []struct {
		name string
		doc  *document.Document
		body string
	}{
		{"source=RudderStack/event=identify", rudderStack(b), webIdentify},
		{"source=RudderStack/event=track", rudderStack(b), webOrder},
		{"source=paths/event=track", paths, webOrder},
	} {
		b.Run(bench.name, func(b *testing.B) {
			program := compile(b, bench.doc)
			e := &event.Event{ID: "evt", Body: []byte(bench.body)}
			b.ReportAllocs()
			for b.Loop() {
				if err := program.Identify(e, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPlan(b *testing.B) {
	paths := func(action document.ActionName, parameters string) *document.Document {
		doc := custom(b, mapped(action, parameters))
		doc.Event.IdempotencyKey, doc.Mappings[0].Event = "body.messageId", "*"
		return doc
	}
	for _, bench := range []struct {
		name string
		doc  *document.Document
		body string
	}{
		{"mapping=default/event=identify", rudderStack(b), webIdentify},
		{"mapping=default/event=order", rudderStack(b), webOrder},
		{"mapping=paths/event=identify", paths("identifyUser", plainIdentify), webIdentify},
		{"mapping=paths/event=order", paths("triggerWorkflow", plainOrder), webOrder},
		{"mapping=none/event=order", custom(b), webOrder},
	} {
		b.Run(bench.name, func(b *testing.B) { benchmarkPlan(b, compile(b, bench.doc), bench.body) })
	}
}

// BenchmarkPlanAmongMappings shows whether the number of mappings affects the time to plan an event.
func BenchmarkPlanAmongMappings(b *testing.B) {
	for _, n := range []int{10, 100, 10_000} {
		b.Run(fmt.Sprintf("mappings=%d", n), func(b *testing.B) {
			doc := custom(b, mapped("triggerWorkflow", plainOrder))
			doc.Mappings[0].Event = "track"
			for i := range n - 1 {
				other := doc.Mappings[0]
				other.Name, other.Event = fmt.Sprintf("other-%d", i), fmt.Sprintf("track/other %d", i)
				if i%10 == 0 {
					other.Event += "*"
				}
				doc.Mappings = append(doc.Mappings, other)
			}
			benchmarkPlan(b, compile(b, doc), webOrder)
		})
	}
}

func benchmarkPlan(b *testing.B, program *mapping.Program, body string) {
	b.Helper()
	e := identified(b, program, body)
	b.ReportAllocs()
	for b.Loop() {
		if plan := program.Plan(e); len(plan.Actions) > 0 && plan.Actions[0].Skipped != "" {
			b.Fatal(plan.Actions[0].Skipped)
		}
	}
}
