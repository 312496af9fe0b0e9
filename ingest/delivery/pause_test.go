// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"
	"testing/synctest"
	"time"
)

// admitsProbe fails the test unless the pause admits exactly one probe now.
func admitsProbe(t *testing.T, p *pause) {
	t.Helper()
	if most, probe := p.admit(10); most != 1 || !probe {
		t.Fatalf("admitted %d, probe %v; want one probe", most, probe)
	}
	admitsNothing(t, p)
}

// admitsNothing fails the test if the pause admits a lane.
func admitsNothing(t *testing.T, p *pause) {
	t.Helper()
	if most, probe := p.admit(10); most != 0 || probe {
		t.Fatalf("admitted %d, probe %v; want none", most, probe)
	}
}

// admitsAll fails the test unless the pause admits as many lanes as the pool has capacity for.
func admitsAll(t *testing.T, p *pause) {
	t.Helper()
	if most, probe := p.admit(10); most != 10 || probe {
		t.Fatalf("admitted %d, probe %v; want all", most, probe)
	}
}

func TestAPauseProbesAfterOneSecondThenTwiceAsLongUpToThirty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		admitsAll(t, p)
		if !p.rejected("401") || p.currentReason() != "401" {
			t.Error("the pause did not start")
		}
		for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			elapse(seconds*time.Second - 1)
			admitsNothing(t, p)
			if got := p.pollDelay(time.Minute); got != time.Millisecond {
				t.Errorf("polls after %v; want a millisecond", got)
			}
			elapse(1)
			admitsProbe(t, p)
			if p.rejected("401 again") {
				t.Error("the pause started again")
			}
			p.endProbe(true)
		}
		elapse(30 * time.Second)
		admitsProbe(t, p)
		if !p.accepted() || p.currentReason() != "" || p.accepted() {
			t.Error("the pause did not end, once")
		}
		admitsAll(t, p)
	})
}

func TestAnswersToCallsFromBeforeThePauseDoNotProlongIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		p.rejected("401")
		for range 5 {
			if p.rejected("401") {
				t.Error("the pause started again")
			}
		}
		elapse(time.Second)
		admitsProbe(t, p)
	})
}

func TestAProbeThatDidNotCallKnockIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		p.rejected("401")
		elapse(time.Second)
		admitsProbe(t, p)
		p.endProbe(false)
		admitsProbe(t, p)
	})
}

func TestAProbeWithoutAnAnswerIsRepeatedAfterTheSameDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		p.rejected("401")
		elapse(time.Second)
		admitsProbe(t, p)
		p.endProbe(true)
		admitsNothing(t, p)
		elapse(time.Second)
		admitsProbe(t, p)
	})
}

func TestAChangedKeyIsProbedAtOnceAndResetsTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		p.rejected("401")
		for range 4 {
			elapse(maxProbeDelay)
			admitsProbe(t, p)
			p.rejected("401")
		}
		p.probeNow()
		admitsProbe(t, p)
		p.rejected("401")
		admitsNothing(t, p)
		elapse(2 * firstProbeDelay)
		admitsProbe(t, p)
	})
}

// elapse lets the time of a synctest bubble advance.
func elapse(d time.Duration) { <-time.After(d) }
