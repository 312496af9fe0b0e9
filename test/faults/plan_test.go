// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"math/rand/v2"
	"slices"

	"github.com/doorbell-dev/doorbell/test/checker"
)

// The kinds of Redis. They are also values of the flag --redis-mode.
const (
	standalone = "Standalone"
	sentinel   = "Sentinel"
	cluster    = "Cluster"
)

// plan holds the decisions that the seed makes before a schedule begins.
type plan struct {
	mode        string // the kind of Redis
	minReplicas int
	users       int
	sameOwner   bool    // a restarted process takes over the leases of its predecessor
	doomed      float64 // per event: Knock rejects it
	lost        float64 // per call: Knock executes it and sends no response
	failed      float64 // per call: status 500
	slow        float64 // per call: Knock responds late
	faults      []fault // one after the other
}

// fault is something that breaks and is repaired. do returns when it is repaired.
type fault struct {
	name string
	do   func(w *world, r *rand.Rand)
}

func (p *plan) has(wanted fault) bool {
	return slices.ContainsFunc(p.faults, func(f fault) bool { return f.name == wanted.name })
}

// newPlan draws a plan. Every fault of a kind of Redis has the same chance, and one fault that only this kind knows
// always happens.
func newPlan(seed uint64) plan {
	r := checker.Dice{Seed: seed}.Named("plan")
	p := plan{
		// The modes take turns, so that few schedules have all of them.
		mode:  []string{standalone, sentinel, cluster, standalone, sentinel, standalone}[seed%6],
		users: 4 + r.IntN(5), sameOwner: checker.Chance(r, 0.5), doomed: checker.Pick(r, 0, 0.05),
		lost: checker.Pick(r, 0, 0, 0.05), failed: checker.Pick(r, 0, 0, 0.05), slow: checker.Pick(r, 0, 0, 0.05),
	}
	anywhere := []fault{killProcess, killProcess, freezeProcess, flushScripts, edit, knockOutage, knockHang}
	own := map[string][]fault{
		standalone: {killRedis, killRedis, hangRedis, fillMemory, fillDisk},
		sentinel:   {failover},
		cluster:    {reshard, reshard, killRedis, hangRedis, fillMemory},
	}[p.mode]
	if p.mode == sentinel {
		p.minReplicas = checker.Pick(r, 0, 1, 1)
	}
	p.faults = []fault{checker.Pick(r, own...)}
	for range 2 + r.IntN(2) {
		p.faults = append(p.faults, checker.Pick(r, append(anywhere, own...)...))
	}
	r.Shuffle(len(p.faults), func(i, j int) { p.faults[i], p.faults[j] = p.faults[j], p.faults[i] })
	return p
}
