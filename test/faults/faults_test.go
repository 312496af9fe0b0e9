// SPDX-License-Identifier: Apache-2.0

// Package faults_test runs schedules with real processes: two processes of the ingest program, real Redis servers, real
// HTTP senders and the fake Knock. In each schedule, processes and Redis die, hang, run out of memory or disk, fail over
// or move their data while senders send. Afterwards the checker that the simulation uses too (test/checker) compares the
// responses that senders got, the calls that Knock received, and the event log and the keys in Redis.
//
// The seed decides the kind of Redis, the faults and the events. It does not decide when exactly a fault meets the
// processes. To run the schedule of a failed seed again:
//
//	go test ./test/faults -run TestSchedules -count=10 -seed=N
package faults_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var (
	onlySeed  = flag.Uint64("seed", 0, "run the schedule of this seed only, and print its history")
	firstSeed = flag.Uint64("first", 1, "the first seed")
	schedules = flag.Int("schedules", 6, "the number of schedules to run")
	failovers = flag.Int("failovers", 2, "the number of Sentinel failovers in TestNoAcknowledgedEventIsLostInAFailover")
)

// concurrent is the number of schedules that run at the same time. They spend most of their time waiting.
const concurrent = 5

// ingestProgram is the path of the ingest program, which run builds for all schedules.
var ingestProgram string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the program and runs the tests. It returns the exit code.
func run(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(concurrent)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ignoreFileSizeSignal()
	directory, err := os.MkdirTemp("", "doorbell-faults-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(directory)
	ingestProgram = filepath.Join(directory, "ingest")
	build := exec.Command("go", "build", "-o", ingestProgram, "github.com/doorbell-dev/doorbell/cmd/ingest")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	return m.Run()
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	seeds := []uint64{*onlySeed}
	if *onlySeed == 0 {
		seeds = nil
		for i := range *schedules {
			seeds = append(seeds, *firstSeed+uint64(i))
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed, newPlan(seed))
			w.run()
			w.report()
		})
	}
}

// report fails the test if the checker found a violation.
func (w *world) report() {
	w.t.Helper()
	failures := w.check()
	if w.t.Failed() || len(failures) > 0 {
		w.t.Errorf("seed %d failed:\n  %s\nhistory:\n%s\nto run it again: go test ./test/faults -run TestSchedules -count=10 -seed=%d",
			w.dice.Seed, strings.Join(failures, "\n  "), w.history, w.dice.Seed)
		return
	}
	w.t.Log(w.summary())
	if *onlySeed != 0 {
		w.t.Log("history:\n" + w.history.String())
	}
}
