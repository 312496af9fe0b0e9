// SPDX-License-Identifier: Apache-2.0

// Package simulate_test runs whole schedules of the data plane in virtual time: two ingest processes, a Redis, a Knock
// and several senders in one synctest bubble, where connections break, responses get lost, processes die and clocks
// jump. After each schedule, a checker compares the responses that senders got, the calls that Knock received, and the
// event log.
//
// The seed decides which events are sent, which faults happen and when. It does not decide the order of steps at one
// instant, because that comes from Go's runtime. A failing schedule therefore prints its history at once. To see a
// failure again, run its seed several times:
//
//	go test ./test/simulate -run TestSchedules -count=10 -seed=N
package simulate_test

import (
	"flag"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

var (
	onlySeed  = flag.Uint64("seed", 0, "run the schedule of this seed only, and print its history")
	firstSeed = flag.Uint64("first", 1, "the first seed")
	schedules = flag.Int("schedules", 40, "the number of schedules to run")
	trace     = flag.Bool("trace", false, "print every command to Redis in the history")
)

// TestMain runs the goroutines of a schedule on one processor. With several, the order of what happens at one virtual
// instant would differ even more between two runs of a seed.
func TestMain(m *testing.M) {
	flag.Parse()
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1) // simulate runs the garbage collector after each schedule
	m.Run()
}

func TestSchedules(t *testing.T) {
	if *onlySeed != 0 {
		got := simulate(t, *onlySeed, variant{})
		t.Log("history:\n" + got.history)
		report(t, *onlySeed, got)
		return
	}
	failed := 0
	for i := range *schedules {
		seed := *firstSeed + uint64(i)
		got := simulate(t, seed, variant{})
		if report(t, seed, got); len(got.failures) > 0 {
			failed++
		}
		if failed >= 5 {
			t.Fatal("too many schedules failed")
		}
	}
	t.Logf("%d schedules, %d failed", *schedules, failed)
}

func report(t *testing.T, seed uint64, got outcome) {
	t.Helper()
	if len(got.failures) > 0 {
		t.Errorf("seed %d failed:\n  %s\nhistory:\n%s\nto run it again: go test ./test/simulate -run TestSchedules -count=10 -seed=%d",
			seed, strings.Join(got.failures, "\n  "), got.history, seed)
	}
}
