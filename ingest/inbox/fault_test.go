// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// fill accepts events of 10 KB, one for each user, until Redis is out of memory. It returns the number of accepted
// events.
func fill(t *testing.T, b *inbox.Inbox) (accepted int) {
	t.Helper()
	for {
		e := newEvent(strconv.Itoa(accepted), fmt.Sprintf("key %d of %s", accepted, t.Name()))
		e.Body = bytes.Repeat([]byte("x"), 10_000)
		_, err := b.Accept(t.Context(), []*event.Event{e}, nil)
		if full, is := errors.AsType[*inbox.FullError](err); is {
			if full.Limit != inbox.LimitRedisMemory {
				t.Fatalf("%v; want LimitRedisMemory", full)
			}
			return accepted
		}
		ok(t, err)
		accepted++
	}
}

func TestARedisThatIsOutOfMemoryRejectsEventsAndCanBeDrained(t *testing.T) {
	b := inboxtest.Open(t, redistest.Start(t, "--maxmemory", "6mb").Client(t), inbox.Options{Limits: inbox.Limits{
		Window: window, Log: eventlog.Limits{MaxEvents: 100_000},
	}})
	accepted := fill(t, b)
	if accepted < 100 || depth(t, b) != int64(accepted) {
		t.Fatalf("%d accepted, depth %d", accepted, depth(t, b))
	}

	deadLettered, finished := 0, 0
	for finished < accepted {
		for _, c := range claim(t, b).Leases {
			if lost, err := b.Renew(t.Context(), []*inbox.Lease{c}); err != nil || len(lost) != 0 {
				t.Fatalf("renew: %d lost, %v", len(lost), err)
			}
			ok(t, b.Save(t.Context(), c, bytes.Repeat([]byte("p"), 10_000)))
			switch c.Event.OrderingKey[len(c.Event.OrderingKey)-1] {
			case '0':
				if c.Progress == nil {
					ok(t, b.Retry(t.Context(), c, 0, []byte("again"), big(c)))
					continue
				}
				complete(t, b, c, big(c))
			case '1':
				deadLettered++
				ok(t, b.DeadLetter(t.Context(), c, []byte("progress"), big(c)))
			default:
				complete(t, b, c, big(c))
			}
			finished++
		}
	}
	if got := depth(t, b); got != 0 || deadLettered == 0 {
		t.Errorf("depth %d after draining, %d dead letters", got, deadLettered)
	}
	if again := fill(t, b); again < accepted/2 {
		t.Errorf("%d accepted after draining, %d before", again, accepted)
	}
}

// big returns a log record that is larger than the event.
func big(c *inbox.Lease) []byte {
	return fmt.Appendf(nil, `{"id":%q,"status":"succeeded","reason":%q}`, c.Event.ID, bytes.Repeat([]byte("x"), 20_000))
}

func TestTheLogShrinksWhenRedisIsOutOfMemory(t *testing.T) {
	client := redistest.Start(t, "--maxmemory", "6mb").Client(t)
	b := inboxtest.Open(t, client, inbox.Options{Limits: inbox.Limits{Window: window, Log: eventlog.Limits{MaxEvents: 100_000}}})
	for i := range 500 { // 10 MB of records
		accept(t, b, newEvent(strconv.Itoa(i), ""))
		c := claimOne(t, b)
		complete(t, b, c, big(c))
	}
	page, err := eventlog.Open(client, b.Space(), eventlog.Limits{}).List(t.Context(), eventlog.Query{Limit: 1000})
	ok(t, err)
	entries := page.Entries
	if len(entries) < 10 || len(entries) > 300 {
		t.Errorf("%d log entries are left; want as many as fit into Redis", len(entries))
	}
}

func TestMinorLogRecordsAreDeletedFirstWhenRedisIsOutOfMemory(t *testing.T) {
	client := redistest.Start(t, "--maxmemory", "8mb").Client(t)
	b := inboxtest.Open(t, client, inbox.Options{Limits: inbox.Limits{Window: window, Log: eventlog.Limits{MaxEvents: 100_000}}})
	records := func() (main, minor int64) {
		t.Helper()
		keys := b.Space().Shard(0)
		counts := client.DoMulti(t.Context(), client.B().Zcard().Key(keys.LogIndex()).Build(), client.B().Zcard().Key(keys.MinorLogIndex()).Build())
		main, err := counts[0].AsInt64()
		ok(t, err)
		minor, err = counts[1].AsInt64()
		ok(t, err)
		return main, minor
	}
	const wantMain, wantMinor = 30, 100
	for i := range wantMain { // older than the minor records
		accept(t, b, newEvent(strconv.Itoa(i), ""))
		lease := claimOne(t, b)
		complete(t, b, lease, big(lease))
	}
	var duplicates []eventlog.Entry
	for i := range wantMinor {
		duplicates = append(duplicates, eventlog.Entry{
			ID: fmt.Sprint("minor ", i), Status: eventlog.Duplicate, Reason: string(bytes.Repeat([]byte("x"), 20_000)),
		})
	}
	ok(t, eventlog.Open(client, b.Space(), eventlog.Limits{MaxEvents: 100_000}).Append(t.Context(), duplicates))
	main, minor := records()
	if main != wantMain || minor != wantMinor {
		t.Fatalf("%d main and %d minor records; want %d and %d", main, minor, wantMain, wantMinor)
	}
	for accepted := 0; main == wantMain && minor == wantMinor; accepted++ {
		e := newEvent(strconv.Itoa(accepted), "")
		e.Body = bytes.Repeat([]byte("x"), 10_000)
		accept(t, b, e)
		main, minor = records()
	}
	if main != wantMain || minor == 0 {
		t.Errorf("%d main and %d minor records are left; want all %d main ones", main, minor, wantMain)
	}
}

func TestAcceptedEventsAndLeasesSurviveACrashOfRedis(t *testing.T) {
	server := redistest.Start(t)
	b := inboxtest.Open(t, server.Client(t), inbox.Options{})
	first, second := newEvent("u", "1"), newEvent("u", "2")
	accept(t, b, first, second)
	held := claimOne(t, b)
	ok(t, b.Save(t.Context(), held, []byte("progress")))
	server.Kill()

	if _, err := b.Accept(t.Context(), []*event.Event{newEvent("u", "3")}, nil); !errors.Is(err, inbox.ErrUnavailable) {
		t.Errorf("Accept while Redis is down: %v; want ErrUnavailable", err)
	}
	if _, err := b.Complete(t.Context(), held, nil, 0); !errors.Is(err, inbox.ErrUnavailable) {
		t.Errorf("Complete while Redis is down: %v; want ErrUnavailable", err)
	}

	server.Start()
	awaitRedis(t, b)
	complete(t, b, held, nil) // the lease has not ended
	c := claimOne(t, b)
	if c.Event.ID != second.ID {
		t.Errorf("the next event is %s; want %s", c.Event.ID, second.ID)
	}
	complete(t, b, c, nil)
	for _, receipt := range accept(t, b, newEvent("u", "1"), newEvent("u", "2")) {
		if !receipt.Duplicate {
			t.Error("a finished event was accepted again")
		}
	}
}

// awaitRedis waits until a call succeeds. The client reconnects by itself.
func awaitRedis(t *testing.T, b *inbox.Inbox) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		_, err := b.Depth(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenReturnsErrUnavailableWithoutRedis(t *testing.T) {
	server := redistest.Start(t)
	client := server.Client(t)
	server.Kill()
	_, err := inbox.Open(t.Context(), client, "production/rudderstack", inbox.Options{})
	if !errors.Is(err, inbox.ErrUnavailable) {
		t.Errorf("%v; want ErrUnavailable", err)
	}
}

func TestEveryScriptUsesKeysOfOneClusterSlotOnly(t *testing.T) {
	client := redistest.StartCluster(t, 1)[0].Client(t)
	b := inboxtest.Open(t, client, inbox.Options{Shards: 16})
	log := eventlog.Open(client, b.Space(), eventlog.Limits{MaxEvents: 1000})
	const n = 100
	var events []*event.Event
	for i := range n {
		events = append(events, newEvent(strconv.Itoa(i), strconv.Itoa(i)))
	}
	accept(t, b, events...)
	ok(t, log.Append(t.Context(), []eventlog.Entry{{ID: "a", OrderingKey: "1"}, {ID: "b", OrderingKey: "2"}}))
	seen := 0
	for shard := range b.Shards() {
		claimed, err := b.Claim(t.Context(), shard, n, 0)
		ok(t, err)
		if _, err := b.Renew(t.Context(), claimed.Leases); err != nil {
			t.Fatal(err)
		}
		for i, c := range claimed.Leases {
			seen++
			ok(t, b.Save(t.Context(), c, []byte("x")))
			if i == 0 {
				ok(t, b.DeadLetter(t.Context(), c, nil, record(c, eventlog.DeadLettered)))
			} else {
				complete(t, b, c, record(c, eventlog.Succeeded))
			}
		}
	}
	page, err := log.List(t.Context(), eventlog.Query{Limit: 1000})
	ok(t, err)
	entries := page.Entries
	if seen != n || depth(t, b) != 0 || len(entries) != n+2 {
		t.Errorf("%d claimed, depth %d, %d log entries; want %d, 0, %d", seen, depth(t, b), len(entries), n, n+2)
	}
}
