// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"testing"
	"testing/synctest"
	"time"
)

// probed fails the test unless the pause lets exactly one probe through now.
func probed(t *testing.T, p *pause) {
	t.Helper()
	if most, probe := p.admit(10); most != 1 || !probe {
		t.Fatalf("admitted %d, probe %v; want one probe", most, probe)
	}
	closed(t, p)
}

func closed(t *testing.T, p *pause) {
	t.Helper()
	if most, probe := p.admit(10); most != 0 || probe {
		t.Fatalf("admitted %d, probe %v; want nobody", most, probe)
	}
}

func open(t *testing.T, p *pause) {
	t.Helper()
	if most, probe := p.admit(10); most != 10 || probe {
		t.Fatalf("admitted %d, probe %v; want all", most, probe)
	}
}

func TestAPauseProbesAfterASecondThenTwoUpToThirty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		open(t, p)
		if !p.refused("401") || p.because() != "401" {
			t.Error("the pause did not start")
		}
		for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
			pass(seconds*time.Second - 1)
			closed(t, p)
			if got := p.rest(time.Minute); got != time.Millisecond {
				t.Errorf("rests %v; want a millisecond", got)
			}
			pass(1)
			probed(t, p)
			if p.refused("401 again") {
				t.Error("the pause started again")
			}
			p.endProbe(true)
		}
		pass(30 * time.Second)
		probed(t, p)
		if !p.answered() || p.because() != "" || p.answered() {
			t.Error("the pause did not end, once")
		}
		open(t, p)
	})
}

func TestRefusalsOfCallsThatWereUnderWayDoNotProlongAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		p.refused("401")
		for range 5 {
			if p.refused("401") {
				t.Error("the pause started again")
			}
		}
		pass(time.Second)
		probed(t, p)
	})
}

func TestAProbeThatAskedNobodyMakesRoomAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		p.refused("401")
		pass(time.Second)
		probed(t, p)
		p.endProbe(false)
		probed(t, p)
	})
}

func TestAProbeWithoutAnAnswerIsRepeatedAfterTheSameDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		p.refused("401")
		pass(time.Second)
		probed(t, p)
		p.endProbe(true)
		closed(t, p)
		pass(time.Second)
		probed(t, p)
	})
}

func TestAChangedKeyIsProbedAtOnceAndFromTheShortestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{now: time.Now}
		p.refused("401")
		for range 4 {
			pass(lastProbe)
			probed(t, p)
			p.refused("401")
		}
		p.probeNow()
		probed(t, p)
		p.refused("401")
		closed(t, p)
		pass(2 * firstProbe)
		probed(t, p)
	})
}

// pass lets a bubble's time go on.
func pass(d time.Duration) { <-time.After(d) }
