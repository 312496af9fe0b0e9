// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// The sizes of the calls that BenchmarkRedis makes. A source with 64 senders reaches about these sizes under load.
const (
	roundSize  = 1024 // events of one round
	acceptSize = 32
	claimSize  = 64
	finishSize = 64
)

// BenchmarkRedis measures the work of Redis for one event, from Accept to Complete: its CPU time for each step and for
// all, of it the time in the kernel; its commands; its calls of scripts; and the bytes that it appends to its file.
// Every call has a fixed number of events, so other programs on the machine hardly change the figures.
func BenchmarkRedis(b *testing.B) {
	client := redistest.Start(b, "--auto-aof-rewrite-percentage", "0").Client(b)
	in := inboxtest.Open(b, client, inbox.Options{Limits: inbox.Limits{Log: eventlog.Limits{MaxEvents: 10 * roundSize}}})
	driver := &redisDriver{b: b, client: client, in: in}
	for range 11 { // until the event log has its maximum size
		driver.round()
	}
	driver.accept, driver.claim, driver.finish = redisUsage{}, redisUsage{}, redisUsage{}
	rounds := 0
	for b.Loop() {
		driver.round()
		rounds++
	}
	driver.report(float64(rounds * roundSize))
}

// redisDriver makes the calls of BenchmarkRedis.
type redisDriver struct {
	b      *testing.B
	client rueidis.Client
	in     *inbox.Inbox
	serial int

	accept, claim, finish redisUsage
}

// round accepts, claims and completes roundSize events.
func (d *redisDriver) round() {
	usage := d.usage()
	for range roundSize / acceptSize {
		events := make([]*event.Event, acceptSize)
		for i := range events {
			d.serial++
			events[i] = trackEvent(d.serial)
		}
		ok(d.b, d.in.AcceptGroup(d.b.Context(), events))
	}
	usage = d.accept.add(usage, d.usage())
	var leases []*inbox.Lease
	for len(leases) < roundSize {
		claimed, err := d.in.Claim(d.b.Context(), 0, claimSize, 0)
		ok(d.b, err)
		leases = append(leases, claimed.Leases...)
	}
	usage = d.claim.add(usage, d.usage())
	for i := 0; i < roundSize; i += finishSize {
		var records [][]byte
		for _, lease := range leases[i : i+finishSize] {
			records = append(records, triggerRecord(lease.Event))
		}
		ok(d.b, d.in.CompleteGroup(d.b.Context(), leases[i:i+finishSize], records, 1<<20))
	}
	d.finish.add(usage, d.usage())
}

func (d *redisDriver) report(events float64) {
	var total redisUsage
	for _, step := range []redisUsage{d.accept, d.claim, d.finish} {
		total.add(redisUsage{}, step)
	}
	for name, value := range map[string]float64{
		"accept-µs": d.accept.cpu, "claim-µs": d.claim.cpu, "finish-µs": d.finish.cpu, "redis-µs": total.cpu,
		"kernel-µs": total.kernel, "commands": total.commands, "scripts": total.scripts, "file-bytes": total.file,
	} {
		d.b.ReportMetric(value/events, name+"/event")
	}
}

// redisUsage is what Redis has used: CPU time in µs, of it in the kernel, commands, calls of scripts, and bytes of its
// append-only file.
type redisUsage struct{ cpu, kernel, commands, scripts, file float64 }

// add adds what Redis has used between two readings and returns the second one.
func (u *redisUsage) add(before, after redisUsage) redisUsage {
	u.cpu += after.cpu - before.cpu
	u.kernel += after.kernel - before.kernel
	u.commands += after.commands - before.commands
	u.scripts += after.scripts - before.scripts
	u.file += after.file - before.file
	return after
}

// usage returns what Redis has used since its start.
func (d *redisDriver) usage() (u redisUsage) {
	info := d.client.B().Info().Section("cpu", "stats", "commandstats", "persistence").Build()
	text, err := d.client.Do(d.b.Context(), info).ToString()
	ok(d.b, err)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value, _, _ = strings.Cut(strings.TrimPrefix(value, "calls="), ",")
		number, _ := strconv.ParseFloat(value, 64)
		switch name {
		case "used_cpu_sys":
			u.kernel = number * 1e6
			u.cpu += u.kernel
		case "used_cpu_user":
			u.cpu += number * 1e6
		case "total_commands_processed": // includes the commands that scripts call
			u.commands = number
		case "cmdstat_evalsha":
			u.scripts = number
		case "aof_current_size":
			u.file = number
		}
	}
	return u
}

// trackEvent returns event number i of 50,000 users, as RudderStack's JavaScript SDK sends it.
func trackEvent(i int) *event.Event {
	user, message := fmt.Sprintf("user-%012d", i*7919%50_000), fmt.Sprintf("message-%012d", i)
	return &event.Event{
		ID: event.NewID(), Type: "track/Order Completed", Key: message, OrderingKey: user,
		Body: []byte(strings.NewReplacer("MESSAGE", message, "USER", user).Replace(trackBody)),
	}
}

const trackBody = `{"anonymousId":"f3b0c442-98fc-4c14-9afb-f4c8996fb924","channel":"web","context":{"app":{"name":"RudderLabs JavaScript SDK",` +
	`"namespace":"com.rudderlabs.javascript","version":"3.34.1"},"ip":"203.0.113.50","library":{"name":"RudderLabs JavaScript SDK",` +
	`"version":"3.34.1"},"locale":"en-US","page":{"path":"/checkout","referrer":"$direct","search":"","title":"Checkout",` +
	`"url":"https://app.example.com/checkout"},"sessionId":1763888000123,"timezone":"GMT+0100","userAgent":"Mozilla/5.0 (X11; Linux x86_64) ` +
	`AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"},"event":"Order Completed","integrations":{"All":true},` +
	`"messageId":"MESSAGE","originalTimestamp":"2026-11-23T09:20:01.100Z","properties":{"currency":"EUR",` + trackProperties +
	`"revenue":34.75},"receivedAt":"2026-11-23T09:20:01.282Z","rudderId":"a8d42f09-79ba-4c11-b591-8a537e65eb37",` +
	`"sentAt":"2026-11-23T09:20:01.102Z","timestamp":"2026-11-23T09:20:01.280Z","type":"track","userId":"USER"}`

const trackProperties = `"products":[{"price":21.25,"product_id":"p1","quantity":1},{"price":4.5,"product_id":"p2","quantity":3}],`

// triggerRecord returns the log record of an event for which Doorbell has triggered a workflow.
func triggerRecord(e *event.Event) []byte {
	now := time.Now().UTC()
	return eventlog.Encode(eventlog.Entry{
		ID: e.ID, Source: inboxtest.Source, Type: e.Type, Key: e.Key, OrderingKey: e.OrderingKey, ReceivedAt: e.ReceivedAt,
		FinishedAt: &now, Timestamp: "2026-11-23T09:20:01.280Z", Status: eventlog.Succeeded, Payload: e.Body,
		Actions: []eventlog.Action{{
			Mapping: "order-completed", Action: "triggerWorkflow", Status: eventlog.Succeeded, Attempts: 1,
			Requests: []eventlog.Request{{
				Method: "POST", Path: "/v1/workflows/order-completed/trigger", Status: 200, At: &now, Took: 3.141,
				Body:     fmt.Appendf(nil, `{"recipients":["%s"],"data":%s}`, e.OrderingKey, e.Body),
				Response: `{"workflow_run_id":"0198c1a0-0000-7000-8000-000000000000"}`,
			}},
		}},
	})
}
