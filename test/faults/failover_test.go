// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/test/checker"
)

// cutOffFailover cuts the replica off for a moment before the master dies. The replica that takes over then lacks the
// latest events of the master. Knock is unavailable, so that these events are not delivered before they are lost.
var cutOffFailover = fault{"a Sentinel failover to a replica that lacks events", func(w *world, r *rand.Rand) {
	w.knock.set(func(k *knockServer) { k.outage = true })
	defer w.knock.set(func(k *knockServer) { k.outage = false })
	w.do(w.redis.servers[1-w.redis.master], "REPLICAOF", "127.0.0.1", "1") // no server listens there
	time.Sleep(checker.Between(r, 200*time.Millisecond, 600*time.Millisecond))
	w.redis.failOver(r)
}}

// perSchedule is the number of failovers in one schedule.
const perSchedule = 4

// With minReplicas, the sender gets no 200 for the events that the replica lacks. What Doorbell has done with events since
// the replica was cut off is forgotten too, so it repeats calls, and only lost events fail the test.
func TestNoAcknowledgedEventIsLostInAFailover(t *testing.T) {
	t.Parallel()
	for i := range (*failovers + perSchedule - 1) / perSchedule {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			w := runFailovers(t, uint64(i), 1)
			if lost := w.lost(); len(lost) > 0 {
				t.Errorf("acknowledged events are lost:\n  %s\nhistory:\n%s", strings.Join(lost, "\n  "), w.history)
			}
			t.Log(w.summary())
		})
	}
}

// Without minReplicas, Redis can lose acknowledged events. The test counts them, and shows that the test above would
// notice a loss.
func TestFailoversWithoutMinReplicasLoseAcknowledgedEvents(t *testing.T) {
	t.Parallel()
	w := runFailovers(t, 1000, 0)
	lost := w.lost()
	t.Logf("%s; the check found %d losses", w.summary(), len(lost))
	if len(lost) == 0 {
		t.Error("no acknowledged event was lost, so the test does not show what minReplicas prevents")
	}
}

func runFailovers(t *testing.T, seed uint64, minReplicas int) *world {
	t.Helper()
	p := plan{mode: sentinel, minReplicas: minReplicas, users: 8}
	for i := range min(*failovers, perSchedule) {
		p.faults = append(p.faults, []fault{cutOffFailover, failover}[i%2])
	}
	w := newWorld(t, seed, p)
	w.run()
	return w
}

// lost returns the acknowledged events without a call that took effect.
func (w *world) lost() []string {
	var lost []string
	for _, v := range w.record().Check() {
		if v.Check == checker.CheckFinal && strings.Contains(v.Text, "never took effect") {
			lost = append(lost, v.Text)
		}
	}
	return lost
}
