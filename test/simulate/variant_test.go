// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"net/http"
	"testing"
)

// variant is a broken Doorbell. It is broken from outside, at the seams of the simulation, so that the code under test
// has no switch for it. The zero variant is not broken.
type variant struct {
	// front wraps the connection from the senders to the process.
	front func(*world, http.RoundTripper) http.RoundTripper
	// knock wraps the connection from the process to Knock.
	knock func(*world, http.RoundTripper) http.RoundTripper
	// script changes the text of a Lua script.
	script func(name, text string) string
	// plan changes what happens in a schedule, so that the defect has an effect in most of them.
	plan func(*plan)
}

// TestEveryBrokenVariantIsCaught runs schedules of each variant until the given check fails.
func TestEveryBrokenVariantIsCaught(t *testing.T) {
	const most = 40 // schedules
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			seen := map[string]int{}
			for seed := range uint64(most) {
				for _, failure := range simulate(t, seed+1, v.variant).failures {
					seen[checkOf(failure)]++
				}
				if seen[v.caughtBy] > 0 {
					t.Logf("caught by the check %q with seed %d; all failures until then: %v", v.caughtBy, seed+1, seen)
					return
				}
			}
			t.Errorf("the check %q did not fail in %d schedules; other failures: %v", v.caughtBy, most, seen)
		})
	}
}

// brokenVariant is a variant and the check that must catch it.
type brokenVariant struct {
	name     string
	caughtBy string
	variant
}

func variants() []brokenVariant {
	retries := func(p *plan) { p.unlucky, p.outage, p.failed, p.lost = 0, false, 0.4, 0.2 }
	sleeps := func(p *plan) { p.unlucky, p.outage, p.sleeps, p.hung, p.failed, p.slow = 0, false, 3, 0.1, 0.2, 0.3 }
	jumps := func(p *plan) { p.unlucky, p.outage, p.deaths, p.clockJumps, p.slow = 0, false, 0, 3, 0.5 }
	hangs := func(p *plan) { p.unlucky, p.outage, p.hung = 0, false, 0.3 }
	dooms := func(p *plan) { p.doomed = 0.3 }
	unlucky := func(p *plan) {
		*p = plan{dice: p.dice, users: 5, unlucky: http.StatusInternalServerError, retryFor: p.retryFor}
	}
	bulk := func(p *plan) { p.unlucky, p.outage, p.bulk, p.doomed, p.throttled = 0, false, true, 0.1, 0.2 }
	return []brokenVariant{
		{"the receiver answers before the event is stored", checkFinal, variant{front: answerFirst}},
		{"the receiver answers 400 if Redis is unavailable", checkAnswer, variant{front: answer400, plan: func(p *plan) { p.redisCut = 0.1 }}},
		{"the receiver sometimes never answers", checkAnswer, variant{front: neverAnswer}},
		{"the receiver sometimes answers late", checkHang, variant{front: answerLate}},
		{"a call to Knock has no deadline", checkHang, variant{knock: withoutDeadline, plan: hangs}},
		{"a response of Knock is never closed", checkMemory, variant{knock: leakBody}},
		{"duplicates are found after the event is stored", checkOnce, variant{script: forgetKeys, plan: func(p *plan) { p.redisCut = 0.05 }}},
		{"a key stays in the in-flight index", checkKeys, variant{script: keepInFlight}},
		{"stale leases can change a lane", checkFinal, variant{script: noFencing, plan: sleeps}},
		{"a claim does not exclude other claims", checkOverlap, variant{script: sharedLease}},
		{"leases end before the work", checkOverlap, variant{script: shortLease, plan: sleeps}},
		{"leases end when Redis's clock jumps forward", checkOverlap, variant{script: endAtJump, plan: jumps}},
		{"the progress of an event is lost", checkCancel, variant{script: loseProgress, plan: retries}},
		{"all lanes wait for the backoff of one", checkIsolation, variant{script: sharedBackoff, plan: unlucky}},
		{"the progress of a finished event stays", checkKeys, variant{script: keepProgress, plan: retries}},
		{"the size of the dead letters is not counted", checkMemory, variant{script: miscountDeadLetters, plan: dooms}},
		{"the log has a wrong number of attempts", checkLog, variant{script: flatterAttempts}},
		{"dead letters are logged as successes", checkFinal, variant{script: flatterLog, plan: dooms}},
		{"an event is finished before its call", checkLog, variant{knock: finishFirst, plan: retries}},
		{"a failed call is retried behind later events", checkOrder, variant{knock: retryLast, plan: retries}},
		{"a cancel does not wait for its answer", checkCancel, variant{knock: lateCancel}},
		{"triggers have no idempotency key", checkOnce, variant{knock: withoutKey, plan: retries}},
		{"a retry sends another body", checkLog, variant{knock: changeBody, plan: retries}},
		{"a bulk operation counts as completed when it begins", checkOverlap, variant{knock: endTooEarly, plan: bulk}},
		{"the failed rows of a bulk operation are ignored", checkFinal, variant{knock: ignoreFailedRows, plan: bulk}},
		{"an unfinished bulk operation is forgotten in a crash", checkOverlap, variant{script: forgetOperations, plan: func(p *plan) {
			bulk(p)
			p.deaths, p.sameOwner = 1, true
		}}},
		{"the first failure is final", checkFinal, variant{knock: neverRetry, plan: retries}},
	}
}
