// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/test/checker"
)

const (
	apiKey   = "sk_test_faults"
	urlToken = "token"
	timeout  = time.Second     // of a call to Knock
	lease    = 7 * time.Second // the shortest that the program accepts
	// patience is how long the remaining events may take after the last fault.
	patience = 90 * time.Second
	// answerWithin is how long a request may take: five seconds, and some time because several schedules share the
	// processors.
	answerWithin = 6500 * time.Millisecond
)

// world holds everything that takes part in one schedule.
type world struct {
	t       *testing.T
	dice    checker.Dice
	plan    plan
	history *history
	config  string // the config directory of the processes
	redis   *store
	knock   *knockServer
	slots   []*slot
	senders []*sender

	failedOver time.Time // when a master was first killed
	tolerated  int       // the number of violations that are no failure; see check

	over chan struct{} // closed when senders begin no more events

	mu       sync.Mutex
	edition  int
	attempts []*checker.Attempt
	entries  []eventlog.Entry // the event log at the end
	keys     []string         // the keys at the end that should be gone
}

func newWorld(t *testing.T, seed uint64, p plan) *world {
	t.Helper()
	w := &world{t: t, dice: checker.Dice{Seed: seed}, plan: p, history: newHistory(), config: t.TempDir(), over: make(chan struct{})}
	var names []string
	for _, f := range p.faults {
		names = append(names, f.name)
	}
	w.history.add("plan    %s, minReplicas %d, %d users, same owner %t, doomed %v, lost %v, failed %v, slow %v: %s", p.mode, p.minReplicas,
		p.users, p.sameOwner, p.doomed, p.lost, p.failed, p.slow, strings.Join(names, ", "))
	w.redis, w.knock = newStore(w), newKnockServer(w)
	w.write("tokens/current", urlToken)
	w.write("knock/apiKey", apiKey)
	w.edit()
	for _, name := range []string{"a", "b"} {
		s := &slot{world: w, name: name}
		s.start()
		w.slots = append(w.slots, s)
	}
	for i := range p.users {
		w.senders = append(w.senders, &sender{world: w, user: fmt.Sprintf("u%d", i+1)})
	}
	return w
}

// run runs the schedule and reads what Redis contains at the end.
func (w *world) run() {
	w.t.Helper()
	var clients sync.WaitGroup
	for _, s := range w.senders {
		clients.Go(s.run)
	}
	r := w.dice.Named("faults")
	for _, f := range w.plan.faults {
		time.Sleep(checker.Between(r, 500*time.Millisecond, 1500*time.Millisecond))
		w.history.add("fault   %s", f.name)
		f.do(w, r)
		w.history.add("fault   %s is over", f.name)
	}
	time.Sleep(500 * time.Millisecond)
	w.knock.makeCalm()
	close(w.over)
	clients.Wait()
	w.history.add("senders are done")
	w.redis.awaitDrained()
	for _, s := range w.slots {
		s.kill()
		s.checkOutput()
	}
	w.entries, w.keys = w.redis.log(), w.redis.leftoverKeys()
}

// edit changes the mappings.
func (w *world) edit() {
	w.mu.Lock()
	w.edition++
	edition := w.edition
	w.mu.Unlock()
	doc, err := checker.Document(w.knock.url, edition, document.Delivery{
		Concurrency: 16, Timeout: timeout, RetryFor: time.Hour,
		RateLimits: map[string]int32{checker.IdentifyAction: 1000, checker.CancelAction: 1000, checker.TriggerAction: 1000},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	bundle, err := document.Pack(doc)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, part := range bundle.Parts {
		w.write(fmt.Sprintf("document/part-%d", i), string(part))
	}
	w.write("document/manifest.json", string(bundle.Manifest))
}

// write replaces a file of the config directory.
func (w *world) write(name, text string) {
	path := filepath.Join(w.config, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		w.t.Fatal(err)
	}
}

// check runs the checker and returns the violations that the schedule must not have. With Sentinel and without
// minReplicas, a failover can lose the latest writes, so only the checks that do not depend on them apply; the other
// violations are only counted.
func (w *world) check() []string {
	var failures []string
	for _, v := range w.record().Check() {
		if w.plan.mode == sentinel && w.plan.minReplicas == 0 && v.Check != checker.CheckAnswer && v.Check != checker.CheckKeys {
			w.tolerated++
			continue
		}
		failures = append(failures, v.String())
	}
	return failures
}

func (w *world) record() *checker.Record {
	r := &checker.Record{Attempts: w.attempts, Calls: w.knock.received(), Entries: w.entries, Keys: w.keys, Patience: answerWithin, LogIncomplete: w.plan.has(fillMemory)}
	if w.plan.mode == sentinel {
		r.Excused = w.repetitions(r.Calls)
	}
	for _, s := range w.senders {
		if len(s.events) > 0 {
			r.Users = append(r.Users, s.events)
		}
	}
	return r
}

// repetitions reports whether a call repeats a call that took effect before a failover. minReplicas protects events, not
// what Doorbell has done with them: if the new master lacks that, the calls are repeated.
func (w *world) repetitions(calls []*checker.Call) func(*checker.Call) bool {
	ran, repeated := map[string]bool{}, map[*checker.Call]bool{}
	for _, c := range calls {
		name := c.Event.String() + c.Action
		repeated[c] = ran[name] && !w.failedOver.IsZero() && c.Arrived.After(w.failedOver)
		ran[name] = ran[name] || c.Ran()
	}
	return func(c *checker.Call) bool { return repeated[c] }
}

// summary returns what happened, in one line.
func (w *world) summary() string {
	events, statuses := 0, map[int]int{}
	for _, s := range w.senders {
		events += len(s.events)
	}
	for _, a := range w.attempts {
		statuses[a.Status]++
	}
	text := fmt.Sprintf("%s: %d events, %d calls, answers %v, %v", w.plan.mode, events, len(w.knock.received()), statuses, time.Since(w.history.start).Round(time.Second))
	if w.tolerated > 0 {
		text += fmt.Sprintf("; %d violations that can follow a failover without minReplicas", w.tolerated)
	}
	return text
}

// history is the readable record of a schedule.
type history struct {
	start time.Time
	mu    sync.Mutex
	lines []string
}

func newHistory() *history { return &history{start: time.Now()} }

func (h *history) add(format string, args ...any) {
	line := fmt.Sprintf("%9.3f  ", time.Since(h.start).Seconds()) + fmt.Sprintf(format, args...)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, line)
}

func (h *history) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines, "\n")
}
