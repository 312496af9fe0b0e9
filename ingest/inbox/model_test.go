// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"
	"pgregory.net/rapid"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/keyspace"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

// model is a simple implementation, in Go, of what the inbox promises.
type model struct {
	lanes    map[string]*lane        // by user; only lanes with events
	inFlight map[scopedKey]string    // to event ID
	finished map[scopedKey]time.Time // to time of receipt
	space    keyspace.Space
	ended    map[string]string // event ID to status
	clocks   map[int]*shardClock
}

// shardClock is a shard's time. It never goes back: while Redis's clock is behind, it advances at half of the clock's
// speed.
type shardClock struct{ time, clock int64 }

// read returns the time that a script uses when Redis's clock shows at.
func (c *shardClock) read(at time.Time) time.Time {
	clock := at.UnixMilli()
	now := clock
	if clock < c.time {
		now = c.time + max(clock-c.clock, 0)/2
	}
	if clock < c.clock || clock >= c.clock+1000 {
		c.time, c.clock = now, clock
	}
	return time.UnixMilli(now).UTC()
}

// now returns the shard's time.
func (m *machine) now(shard int) time.Time { return m.clocks[shard].read(m.clock.now()) }

// nowOf returns the time of the shard of a user's lane.
func (m *machine) nowOf(user string) time.Time { return m.now(m.space.Lane(user).Shard) }

// scopedKey is an idempotency key within its shard. Duplicates are recognized within a shard only, because one script
// can use the keys of one shard only.
type scopedKey struct {
	shard int
	key   string
}

func (m *model) scopedKey(e *event.Event) scopedKey {
	return scopedKey{m.space.Lane(e.OrderingKey).Shard, e.Key}
}

type lane struct {
	events   []*event.Event
	due      time.Time
	lease    *inbox.Lease
	progress string
}

// duplicate reports whether the event must be a duplicate, and whether it may be one: the dedupe window can be up to an
// eighth longer.
func (m *model) duplicate(e *event.Event, now time.Time) (must, may bool) {
	if e.Key == "" {
		return false, false
	}
	if _, inFlight := m.inFlight[m.scopedKey(e)]; inFlight {
		return true, true
	}
	at, finished := m.finished[m.scopedKey(e)]
	age := now.Sub(at)
	return finished && age < window, finished && age < window+bucket
}

func (m *model) accept(e *event.Event, now time.Time) {
	l := m.lanes[e.OrderingKey]
	if l == nil {
		l = &lane{due: now}
		m.lanes[e.OrderingKey] = l
	}
	l.events = append(l.events, e)
	if e.Key != "" {
		m.inFlight[m.scopedKey(e)] = e.ID
	}
}

// finish removes the first event of a lane, with the status done or dead.
func (m *model) finish(l *lane, status string, now time.Time) {
	e := l.events[0]
	m.ended[e.ID] = status
	delete(m.inFlight, m.scopedKey(e))
	if status == "done" && e.Key != "" {
		m.finished[m.scopedKey(e)] = e.ReceivedAt
	}
	l.events, l.due, l.lease, l.progress = l.events[1:], now, nil, ""
	if len(l.events) == 0 {
		delete(m.lanes, e.OrderingKey)
	} else if first := l.events[0].ReceivedAt; first.Before(now) {
		l.due = first
	}
}

// machine takes the same random steps with the model and with two inboxes of one source.
type machine struct {
	model
	client  rueidis.Client
	clock   *clock
	inboxes []*inbox.Inbox
	leases  []*inbox.Lease // all leases so far, including lost ones
}

func TestTheInboxBehavesAsTheModel(t *testing.T) {
	client := redistest.Start(t, "--appendfsync", "no").Client(t)
	run := 0
	for _, shards := range []int{1, 2} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				run++
				m := newMachine(t, rt, client, fmt.Sprintf("model/run-%d", run), shards)
				rt.Repeat(map[string]func(*rapid.T){
					"accept": m.acceptSome, "claim": m.claimSome, "complete": m.complete, "retry": m.retry, "dead-letter": m.deadLetter,
					"save": m.save, "renew": m.renew, "advance": func(rt *rapid.T) { m.advance(t, rt) }, "": func(rt *rapid.T) { m.check(t, rt) },
				})
			})
		})
	}
}

func newMachine(t *testing.T, rt *rapid.T, client rueidis.Client, source string, shards int) *machine {
	m := &machine{client: client, clock: newClock(), model: model{
		clocks: map[int]*shardClock{0: {}, 1: {}}, lanes: map[string]*lane{}, inFlight: map[scopedKey]string{}, finished: map[scopedKey]time.Time{}, ended: map[string]string{},
	}}
	m.clock.advance(time.Duration(rapid.Int64Range(0, int64(bucket)).Draw(rt, "offset in the bucket")))
	for range 2 {
		b, err := inbox.Open(t.Context(), client, source, inbox.Options{
			Shards: shards, Now: m.clock.now,
			Limits: inbox.Limits{Window: window, Log: eventlog.Limits{MaxEvents: 10_000}, Lease: lease},
		})
		if err != nil {
			rt.Fatal(err)
		}
		m.inboxes = append(m.inboxes, b)
	}
	m.space = m.inboxes[0].Space()
	return m
}

// any draws one of the two inboxes.
func (m *machine) any(rt *rapid.T) *inbox.Inbox {
	return rapid.SampledFrom(m.inboxes).Draw(rt, "inbox")
}

func (m *machine) acceptSome(rt *rapid.T) {
	events := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) *event.Event {
		// With two shards, each shard has two of these users.
		user := rapid.SampledFrom([]string{"ann", "bob", "cat", "dan"}).Draw(rt, "user")
		return newEvent(user, rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(rt, "key"))
	}), 1, 3).Draw(rt, "events")
	receipts, err := m.any(rt).Accept(rt.Context(), events, nil)
	if err != nil {
		rt.Fatal(err)
	}
	for i, e := range events {
		now := m.nowOf(e.OrderingKey)
		must, may := m.duplicate(e, now)
		got := receipts[i]
		if got.Duplicate && !may || !got.Duplicate && must {
			rt.Fatalf("event %d, key %s: %+v; duplicate must %v, may %v", i, e.Key, got, must, may)
		}
		if of := m.inFlight[m.scopedKey(e)]; got.DuplicateOf != of || !got.ReceivedAt.Equal(now) {
			rt.Fatalf("event %d: %+v; want of %q, at %v", i, got, m.inFlight[m.scopedKey(e)], now)
		}
		if !got.Duplicate {
			m.accept(e, now)
		}
	}
}

func (m *machine) claimSome(rt *rapid.T) {
	b, limit := m.any(rt), rapid.IntRange(1, 3).Draw(rt, "limit")
	shard := rapid.IntRange(0, b.Shards()-1).Draw(rt, "shard")
	now := m.now(shard)
	claimed, err := b.Claim(rt.Context(), shard, limit, 0)
	if err != nil {
		rt.Fatal(err)
	}
	due := 0
	for user, l := range m.lanes {
		if b.Space().Lane(user).Shard == shard && !l.due.After(now) {
			due++
		}
	}
	if len(claimed.Leases) != min(due, limit) {
		rt.Fatalf("claimed %d of %d due lanes; the limit is %d", len(claimed.Leases), due, limit)
	}
	for _, c := range claimed.Leases {
		l := m.lanes[c.Event.OrderingKey]
		if l.due.After(now) {
			rt.Fatalf("claimed a lane that is due in %v", l.due.Sub(now))
		}
		if diff := cmp.Diff(l.events[0], c.Event); diff != "" || string(c.Progress) != l.progress {
			rt.Fatalf("claimed (-want +got):\n%s\nprogress %q; want %q", diff, c.Progress, l.progress)
		}
		l.due, l.lease = now.Add(lease), c
	}
	m.leases = append(m.leases, claimed.Leases...)
	if next := m.next(b, shard, now); claimed.Next != next {
		rt.Fatalf("next lane due in %v; want %v", claimed.Next, next)
	}
}

// next returns how long until the next lane of the shard is due, -1 if there is none.
func (m *machine) next(b *inbox.Inbox, shard int, now time.Time) time.Duration {
	next := time.Duration(-1)
	for user, l := range m.lanes {
		if wait := max(l.due.Sub(now), 0); b.Space().Lane(user).Shard == shard && (next < 0 || wait < next) {
			next = wait
		}
	}
	return next
}

// pick draws one of the leases so far. It reports whether that lease is still the latest one of its lane.
func (m *machine) pick(rt *rapid.T) (c *inbox.Lease, l *lane, held bool) {
	if len(m.leases) == 0 {
		rt.Skip("no leases")
	}
	c = rapid.SampledFrom(m.leases).Draw(rt, "lease")
	m.nowOf(c.Event.OrderingKey) // every script reads the clock, even if the lease is lost
	l = m.lanes[c.Event.OrderingKey]
	return c, l, l != nil && l.lease == c
}

// want fails the test unless err is nil for a lease that is held, and ErrLeaseLost otherwise.
func (m *machine) want(rt *rapid.T, held bool, err error) {
	if want := map[bool]error{true: nil, false: inbox.ErrLeaseLost}[held]; err != want { //nolint:errorlint // these errors are not wrapped
		rt.Fatalf("%v; want %v", err, want)
	}
}

// record returns a log record for the leased event.
func record(c *inbox.Lease, status eventlog.Status) []byte {
	return fmt.Appendf(nil, `{"id":%q,"status":%q}`, c.Event.ID, status)
}

func (m *machine) complete(rt *rapid.T) {
	c, l, held := m.pick(rt)
	_, err := m.any(rt).Complete(rt.Context(), c, record(c, eventlog.Succeeded), 0)
	m.want(rt, held, err)
	if held {
		m.finish(l, "done", m.nowOf(c.Event.OrderingKey))
	}
}

func (m *machine) deadLetter(rt *rapid.T) {
	c, l, held := m.pick(rt)
	m.want(rt, held, m.any(rt).DeadLetter(rt.Context(), c, nil, record(c, eventlog.DeadLettered)))
	if held {
		m.finish(l, "dead", m.nowOf(c.Event.OrderingKey))
	}
}

func (m *machine) retry(rt *rapid.T) {
	c, l, held := m.pick(rt)
	delay := rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(rt, "delay")
	progress := rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "progress")
	m.want(rt, held, m.any(rt).Retry(rt.Context(), c, delay, []byte(progress), nil))
	if !held {
		return
	}
	l.due, l.lease = m.nowOf(c.Event.OrderingKey).Add(delay), nil
	if progress != "" {
		l.progress = progress
	}
}

func (m *machine) save(rt *rapid.T) {
	c, l, held := m.pick(rt)
	progress := rapid.SampledFrom([]string{"p", "q"}).Draw(rt, "progress")
	m.want(rt, held, m.any(rt).Save(rt.Context(), c, []byte(progress)))
	if held {
		l.progress = progress
	}
}

func (m *machine) renew(rt *rapid.T) {
	c, l, held := m.pick(rt)
	lost, err := m.any(rt).Renew(rt.Context(), []*inbox.Lease{c})
	if err != nil || held != (len(lost) == 0) {
		rt.Fatalf("renew: %d lost, %v; held %v", len(lost), err, held)
	}
	if held {
		l.due = m.nowOf(c.Event.OrderingKey).Add(lease)
	}
}

func (m *machine) advance(t *testing.T, rt *rapid.T) {
	by := rapid.SampledFrom([]time.Duration{
		-time.Second, time.Millisecond, time.Second, lease - 1, lease, time.Hour, bucket, window / 2, window - time.Second, window,
	}).Draw(rt, "by")
	m.clock.advance(by)
	expireSets(t, m.client, m.space, by)
}

// check compares the contents of Redis with the model: every accepted event is either in its lane, in order, or
// finished, and is stored only once.
func (m *machine) check(t *testing.T, rt *rapid.T) {
	space := m.space
	stored := contents{ctx: t, client: m.client, rt: rt, space: space}
	wantDue, wantDead := map[string]bool{}, []string{}
	for user, l := range m.lanes {
		at := space.Lane(user)
		wantDue[at.Name] = true
		stored.lane(space.Shard(at.Shard).Lane(at.Name), l)
	}
	var wantLog []string
	for id, status := range m.ended {
		wantLog = append(wantLog, id)
		if status == "dead" {
			wantDead = append(wantDead, id)
		}
	}
	due, inFlight, dead, log, depth := map[string]bool{}, map[string]bool{}, []string{}, []string(nil), int64(0)
	for i := range space.Shards() {
		keys := space.Shard(i)
		for _, name := range stored.members(keys.Due()) {
			due[name] = true
		}
		for name, id := range stored.hash(keys.InFlight()) {
			inFlight[fmt.Sprint(i, name, id)] = true
		}
		dead = slices.AppendSeq(dead, maps.Keys(stored.hash(keys.DeadLetters())))
		log = slices.AppendSeq(log, maps.Keys(stored.hash(keys.Log())))
		var held int64
		_, _ = fmt.Sscan(stored.hash(keys.Meta())["depth"], &held) // 0 if the field does not exist
		depth += held
	}
	wantInFlight, wantDepth := map[string]bool{}, int64(0)
	for key, id := range m.inFlight {
		wantInFlight[fmt.Sprint(key.shard, space.Fingerprint("track/Order Completed", key.key).Name, id)] = true
	}
	for _, l := range m.lanes {
		wantDepth += int64(len(l.events))
	}
	for _, ids := range [][]string{dead, wantDead, log, wantLog} {
		slices.Sort(ids)
	}
	diff := cmp.Diff([]any{wantDue, wantInFlight, wantDead, wantLog, wantDepth}, []any{due, inFlight, dead, log, depth})
	if diff != "" {
		rt.Fatalf("schedule, in-flight index, dead letters, log, depth (-want +stored):\n%s", diff)
	}
}

// contents reads and checks the contents of Redis.
type contents struct {
	ctx    testing.TB
	rt     *rapid.T
	client rueidis.Client
	space  keyspace.Space
}

func (c contents) lane(key string, l *lane) {
	entries, err := c.client.Do(c.ctx.Context(), c.client.B().Lrange().Key(key).Start(0).Stop(-1).Build()).AsStrSlice()
	if err != nil {
		c.rt.Fatal(err)
	}
	var want []string
	for _, e := range l.events {
		fingerprint := "-"
		if e.Key != "" {
			fingerprint = c.space.Fingerprint(e.Type, e.Key).Name
		}
		want = append(want, fmt.Sprint(e.ReceivedAt.UnixMilli(), " ", fingerprint), string(e.Append(nil)))
	}
	if diff := cmp.Diff(want, entries); diff != "" {
		c.rt.Fatalf("lane (-want +stored):\n%s", diff)
	}
}

func (c contents) members(key string) []string {
	members, err := c.client.Do(c.ctx.Context(), c.client.B().Zrange().Key(key).Min("0").Max("-1").Build()).AsStrSlice()
	if err != nil {
		c.rt.Fatal(err)
	}
	return members
}

func (c contents) hash(key string) map[string]string {
	fields, err := c.client.Do(c.ctx.Context(), c.client.B().Hgetall().Key(key).Build()).AsStrMap()
	if err != nil {
		c.rt.Fatal(err)
	}
	return fields
}
