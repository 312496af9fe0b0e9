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

// model is what the inbox promises, in plain Go.
type model struct {
	lanes    map[string]*lane    // by user; only those with events
	pending  map[known]string    // to event ID
	finished map[known]time.Time // to time of receipt
	space    keyspace.Space
	ended    map[string]string // event ID to its status
}

// known is an idempotency key in its scope: that of a shard, for Redis decides in one step only there.
type known struct {
	shard int
	key   string
}

func (m *model) known(e *event.Event) known { return known{m.space.Lane(e.OrderingKey).Shard, e.Key} }

type lane struct {
	events   []*event.Event
	due      time.Time
	holder   *inbox.Claim
	progress string
}

func (m *model) duplicate(e *event.Event, now time.Time) (must, may bool) {
	if e.Key == "" {
		return false, false
	}
	if _, pending := m.pending[m.known(e)]; pending {
		return true, true
	}
	at, finished := m.finished[m.known(e)]
	age := now.Sub(at)
	return finished && age < window, finished && age < window+window/8
}

func (m *model) accept(e *event.Event, now time.Time) {
	l := m.lanes[e.OrderingKey]
	if l == nil {
		l = &lane{due: now}
		m.lanes[e.OrderingKey] = l
	}
	l.events = append(l.events, e)
	if e.Key != "" {
		m.pending[m.known(e)] = e.ID
	}
}

func (m *model) finish(l *lane, status string, now time.Time) {
	e := l.events[0]
	m.ended[e.ID] = status
	delete(m.pending, m.known(e))
	if status == "done" && e.Key != "" {
		m.finished[m.known(e)] = e.ReceivedAt
	}
	l.events, l.due, l.holder, l.progress = l.events[1:], now, nil, ""
	if len(l.events) == 0 {
		delete(m.lanes, e.OrderingKey)
	}
}

// machine drives the model and two inboxes of one source with the same steps.
type machine struct {
	model
	client  rueidis.Client
	clock   *clock
	inboxes []*inbox.Inbox
	claims  []*inbox.Claim // all there ever were, the lost ones too
}

func TestTheInboxDoesWhatTheModelDoes(t *testing.T) {
	client := redistest.Start(t, "--appendfsync", "no").Client(t)
	run := 0
	for _, shards := range []int{1, 2} {
		t.Run(fmt.Sprintf("shards=%d", shards), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				run++
				m := newMachine(t, rt, client, fmt.Sprintf("model/run-%d", run), shards)
				rt.Repeat(map[string]func(*rapid.T){
					"accept": m.acceptSome, "claim": m.claimSome, "complete": m.complete, "retry": m.retry, "bury": m.bury,
					"save": m.save, "renew": m.renew, "advance": m.advance, "": func(rt *rapid.T) { m.check(t, rt) },
				})
			})
		})
	}
}

func newMachine(t *testing.T, rt *rapid.T, client rueidis.Client, source string, shards int) *machine {
	m := &machine{client: client, clock: newClock(), model: model{
		lanes: map[string]*lane{}, pending: map[known]string{}, finished: map[known]time.Time{}, ended: map[string]string{},
	}}
	m.clock.advance(time.Duration(rapid.Int64Range(0, int64(window/8)).Draw(rt, "offset in the slice")))
	for range 2 {
		b, err := inbox.Open(t.Context(), client, source, inbox.Options{
			Shards: shards, Lease: lease, Now: m.clock.now,
			Limits: inbox.Limits{Window: window, Log: eventlog.Limits{MaxEvents: 10_000}},
		})
		if err != nil {
			rt.Fatal(err)
		}
		m.inboxes = append(m.inboxes, b)
	}
	m.space = m.inboxes[0].Space()
	return m
}

func (m *machine) any(rt *rapid.T) *inbox.Inbox {
	return rapid.SampledFrom(m.inboxes).Draw(rt, "inbox")
}

func (m *machine) acceptSome(rt *rapid.T) {
	events := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) *event.Event {
		user := rapid.SampledFrom([]string{"ann", "bob", "cat", "dan"}).Draw(rt, "user") // two in either of two shards
		return keyed(user, rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(rt, "key"))
	}), 1, 3).Draw(rt, "events")
	receipts, err := m.any(rt).Accept(rt.Context(), events)
	if err != nil {
		rt.Fatal(err)
	}
	now := m.clock.now()
	for i, e := range events {
		must, may := m.duplicate(e, now)
		got := receipts[i]
		if got.Duplicate && !may || !got.Duplicate && must {
			rt.Fatalf("event %d, key %s: %+v; duplicate must %v, may %v", i, e.Key, got, must, may)
		}
		if of := m.pending[m.known(e)]; got.DuplicateOf != of || !got.ReceivedAt.Equal(now) {
			rt.Fatalf("event %d: %+v; want of %q, at %v", i, got, m.pending[m.known(e)], now)
		}
		if !got.Duplicate {
			m.accept(e, now)
		}
	}
}

func (m *machine) claimSome(rt *rapid.T) {
	b, most := m.any(rt), rapid.IntRange(1, 3).Draw(rt, "most")
	shard := rapid.IntRange(0, b.Shards()-1).Draw(rt, "shard")
	now := m.clock.now()
	claimed, err := b.Claim(rt.Context(), shard, most)
	if err != nil {
		rt.Fatal(err)
	}
	due := 0
	for user, l := range m.lanes {
		if b.Space().Lane(user).Shard == shard && !l.due.After(now) {
			due++
		}
	}
	if len(claimed.Claims) != min(due, most) {
		rt.Fatalf("claimed %d lanes of %d that are due; most %d", len(claimed.Claims), due, most)
	}
	for _, c := range claimed.Claims {
		l := m.lanes[c.Event.OrderingKey]
		if l.due.After(now) {
			rt.Fatalf("claimed a lane that is due in %v", l.due.Sub(now))
		}
		if diff := cmp.Diff(l.events[0], c.Event); diff != "" || string(c.Progress) != l.progress {
			rt.Fatalf("claimed (-want +got):\n%s\nprogress %q; want %q", diff, c.Progress, l.progress)
		}
		l.due, l.holder = now.Add(lease), c
	}
	m.claims = append(m.claims, claimed.Claims...)
	if next := m.next(b, shard, now); claimed.Next != next {
		rt.Fatalf("next in %v; want %v", claimed.Next, next)
	}
}

func (m *machine) next(b *inbox.Inbox, shard int, now time.Time) time.Duration {
	next := time.Duration(-1)
	for user, l := range m.lanes {
		if wait := max(l.due.Sub(now), 0); b.Space().Lane(user).Shard == shard && (next < 0 || wait < next) {
			next = wait
		}
	}
	return next
}

// pick draws a claim, and says whether it still holds its lane.
func (m *machine) pick(rt *rapid.T) (c *inbox.Claim, l *lane, held bool) {
	if len(m.claims) == 0 {
		rt.Skip("no claims")
	}
	c = rapid.SampledFrom(m.claims).Draw(rt, "claim")
	l = m.lanes[c.Event.OrderingKey]
	return c, l, l != nil && l.holder == c
}

func (m *machine) want(rt *rapid.T, held bool, err error) {
	if want := map[bool]error{true: nil, false: inbox.ErrLost}[held]; err != want { //nolint:errorlint // exactly these
		rt.Fatalf("%v; want %v", err, want)
	}
}

func record(c *inbox.Claim, status eventlog.Status) []byte {
	return fmt.Appendf(nil, `{"id":%q,"status":%q}`, c.Event.ID, status)
}

func (m *machine) complete(rt *rapid.T) {
	c, l, held := m.pick(rt)
	m.want(rt, held, m.any(rt).Complete(rt.Context(), c, record(c, eventlog.Succeeded)))
	if held {
		m.finish(l, "done", m.clock.now())
	}
}

func (m *machine) bury(rt *rapid.T) {
	c, l, held := m.pick(rt)
	m.want(rt, held, m.any(rt).Bury(rt.Context(), c, nil, record(c, eventlog.DeadLettered)))
	if held {
		m.finish(l, "dead", m.clock.now())
	}
}

func (m *machine) retry(rt *rapid.T) {
	c, l, held := m.pick(rt)
	after := rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(rt, "after")
	progress := rapid.SampledFrom([]string{"", "x", "y"}).Draw(rt, "progress")
	m.want(rt, held, m.any(rt).Retry(rt.Context(), c, after, []byte(progress), nil))
	if !held {
		return
	}
	l.due, l.holder = m.clock.now().Add(after), nil
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
	lost, err := m.any(rt).Renew(rt.Context(), []*inbox.Claim{c})
	if err != nil || held != (len(lost) == 0) {
		rt.Fatalf("renew: %d lost, %v; held %v", len(lost), err, held)
	}
	if held {
		l.due = m.clock.now().Add(lease)
	}
}

func (m *machine) advance(rt *rapid.T) {
	m.clock.advance(rapid.SampledFrom([]time.Duration{
		-time.Second, time.Millisecond, time.Second, lease - 1, lease, time.Hour, window / 8, window / 2, window - time.Second, window,
	}).Draw(rt, "by"))
}

// check compares what is stored with the model: every accepted event is in its lane, in order, or ended, and in one place only.
func (m *machine) check(t *testing.T, rt *rapid.T) {
	space := m.space
	stored := contents{ctx: t, client: m.client, rt: rt}
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
	due, pending, dead, log, depth := map[string]bool{}, map[string]bool{}, []string{}, []string(nil), int64(0)
	for i := range space.Shards() {
		keys := space.Shard(i)
		for _, name := range stored.members(keys.Due()) {
			due[name] = true
		}
		for name, id := range stored.hash(keys.Pending()) {
			pending[fmt.Sprint(i, name, id)] = true
		}
		dead = slices.AppendSeq(dead, maps.Keys(stored.hash(keys.Dead())))
		log = slices.AppendSeq(log, maps.Keys(stored.hash(keys.Log())))
		var held int64
		_, _ = fmt.Sscan(stored.hash(keys.Meta())["depth"], &held) // absent is 0
		depth += held
	}
	wantPending, wantDepth := map[string]bool{}, int64(0)
	for known, id := range m.pending {
		wantPending[fmt.Sprint(known.shard, space.Fingerprint("track/Order Completed", known.key).Name, id)] = true
	}
	for _, l := range m.lanes {
		wantDepth += int64(len(l.events))
	}
	for _, ids := range [][]string{dead, wantDead, log, wantLog} {
		slices.Sort(ids)
	}
	diff := cmp.Diff([]any{wantDue, wantPending, wantDead, wantLog, wantDepth}, []any{due, pending, dead, log, depth})
	if diff != "" {
		rt.Fatalf("schedule, pending, dead letters, log, depth (-want +stored):\n%s", diff)
	}
}

// contents reads what is stored.
type contents struct {
	ctx    testing.TB
	rt     *rapid.T
	client rueidis.Client
}

func (c contents) lane(key string, l *lane) {
	entries, err := c.client.Do(c.ctx.Context(), c.client.B().Lrange().Key(key).Start(0).Stop(-1).Build()).AsStrSlice()
	if err != nil {
		c.rt.Fatal(err)
	}
	var want []string
	for _, e := range l.events {
		want = append(want, fmt.Sprint(e.ReceivedAt.UnixMilli()), string(e.Append(nil)))
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
