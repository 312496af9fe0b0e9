// SPDX-License-Identifier: Apache-2.0

package health

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery/policy"
)

// admitsProbe fails the test unless the pause admits exactly one probe now.
func admitsProbe(t *testing.T, p *Pause) Probe {
	t.Helper()
	most, probe := p.Admit(10)
	if most != 1 || probe == 0 {
		t.Fatalf("admitted %d, probe %v; want one probe", most, probe)
	}
	admitsNothing(t, p)
	return probe
}

// admitsNothing fails the test if the pause admits a lane.
func admitsNothing(t *testing.T, p *Pause) {
	t.Helper()
	if most, probe := p.Admit(10); most != 0 || probe != 0 {
		t.Fatalf("admitted %d, probe %v; want none", most, probe)
	}
}

// admitsAll fails the test unless the pause admits as many lanes as the pool has capacity for.
func admitsAll(t *testing.T, p *Pause) {
	t.Helper()
	if most, probe := p.Admit(10); most != 10 || probe != 0 {
		t.Fatalf("admitted %d, probe %v; want all", most, probe)
	}
}

// records fails the test unless the pause has this cause after the answer.
func records(t *testing.T, p *Pause, a Answer, want Cause) {
	t.Helper()
	if _, got, _ := p.Record(a); got != want {
		t.Fatalf("after %v the cause is %v; want %v", a, got, want)
	}
}

func success() Answer { return Answer{Meaning: policy.Succeeded, Answered: true} }
func noAnswer(probe Probe) Answer {
	return Answer{Meaning: policy.Transient, Reason: "reset", Probe: probe}
}

func serverError(probe Probe) Answer {
	return Answer{Meaning: policy.Transient, Answered: true, Probe: probe}
}

func rejectedKey(probe Probe) Answer {
	return Answer{Meaning: policy.KeyRejected, Answered: true, Reason: "401", Probe: probe}
}

func forbidden(user string) Answer {
	return Answer{Meaning: policy.Transient, Answered: true, User: user}
}

func rejectedCall() Answer { return Answer{Meaning: policy.Permanent, Answered: true, Reason: "422"} }

func startOutage(t *testing.T, p *Pause) {
	t.Helper()
	for range 10 {
		records(t, p, noAnswer(0), None)
		elapse(time.Second)
	}
	records(t, p, noAnswer(0), Outage)
}

func TestAPauseProbesAfterOneSecondThenTwiceAsLongUpToThirty(t *testing.T) {
	for name, start := range map[string]func(*testing.T, *Pause) func(Probe) Answer{
		"a rejected key": func(t *testing.T, p *Pause) func(Probe) Answer {
			t.Helper()
			records(t, p, rejectedKey(0), KeyRejected)
			return rejectedKey
		},
		"an outage": func(t *testing.T, p *Pause) func(Probe) Answer {
			t.Helper()
			startOutage(t, p)
			return noAnswer
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPause(time.Now)
				admitsAll(t, p)
				again := start(t, p)
				cause, reason := p.Current()
				if reason == "" {
					t.Error("the pause has no reason")
				}
				for _, seconds := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
					elapse(seconds*time.Second - 1)
					admitsNothing(t, p)
					if got := p.PollDelay(time.Minute); got != time.Millisecond {
						t.Errorf("polls after %v; want a millisecond", got)
					}
					elapse(1)
					probe := admitsProbe(t, p)
					records(t, p, again(probe), cause)
					p.EndProbe(probe, true)
				}
				elapse(30 * time.Second)
				admitsProbe(t, p)
				records(t, p, success(), None)
				admitsAll(t, p)
			})
		})
	}
}

func TestAnOutageNeedsTenFailuresInARowOverTenSecondsWithoutASuccess(t *testing.T) {
	for name, tc := range map[string]struct {
		answers func(i int) Answer
		every   time.Duration
		want    Cause
	}{
		"ten failures over ten seconds":       {func(int) Answer { return noAnswer(0) }, 1112 * time.Millisecond, Outage},
		"ten failures within a second":        {func(int) Answer { return noAnswer(0) }, 100 * time.Millisecond, None},
		"server errors":                       {func(int) Answer { return serverError(0) }, 2 * time.Second, Outage},
		"a success between":                   {func(i int) Answer { return either(i == 5, success(), noAnswer(0)) }, 2 * time.Second, None},
		"a rejected call between":             {func(i int) Answer { return either(i == 5, rejectedCall(), noAnswer(0)) }, 2 * time.Second, None},
		"one user whose calls always get 403": {func(int) Answer { return forbidden("u") }, 2 * time.Second, None},
		"every user's calls get 403":          {func(i int) Answer { return forbidden(fmt.Sprint(i)) }, 2 * time.Second, Outage},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPause(time.Now)
				for i := range 9 {
					records(t, p, tc.answers(i), None)
					elapse(tc.every)
				}
				records(t, p, tc.answers(9), tc.want)
			})
		})
	}
}

func TestAnEventIsNotDeadLetteredForAnOutageOfASourceWithFewCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPause(time.Now)
		last := Answer{Meaning: policy.Transient, Reason: "reset", Last: true}
		records(t, p, last, None) // a single failure is no outage
		elapse(5 * time.Second)
		records(t, p, noAnswer(0), None)
		elapse(5 * time.Second)
		records(t, p, last, Outage)
	})
}

func TestFailuresThatOtherReplicasSawShowAnOutageUnlessThisOneSawASuccess(t *testing.T) {
	last := Answer{Meaning: policy.Transient, Answered: true, Reason: "503", Last: true, Failures: 9, Failing: 150 * time.Second}
	ofOneUser, firstFailure := last, last
	ofOneUser.User, firstFailure.Failures = "u1", 1
	for name, test := range map[string]struct {
		answer  Answer
		success time.Duration // how long ago; 0 if never
		want    Cause
	}{
		"no success yet":                         {last, 0, Outage},
		"a success before the failures":          {last, 151 * time.Second, Outage},
		"a success during the failures":          {last, 149 * time.Second, None},
		"an answer that may concern only a user": {ofOneUser, 0, None},
		"the first failure of the event":         {firstFailure, 0, None},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := NewPause(time.Now)
				if test.success > 0 {
					records(t, p, Answer{Meaning: policy.Succeeded, Answered: true}, None)
					elapse(test.success)
				}
				records(t, p, test.answer, test.want)
			})
		})
	}
}

func TestAnEventIsAloneUntilAnotherOneFailsAndAgainAfterTenMinutesOrASuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPause(time.Now)
		for i, step := range []struct {
			event string
			wait  time.Duration
			want  bool
		}{
			{"a", 0, true},
			{"a", time.Minute, true},
			{"b", 0, false},
			{"b", 10 * time.Minute, false},
			{"b", 1, true},
			{"a", 0, false},
			{"", 0, false}, // a success
			{"a", 0, true},
		} {
			elapse(step.wait)
			a := Answer{Meaning: policy.Transient, Event: step.event}
			if step.event == "" {
				a = success()
			}
			if _, _, alone := p.Record(a); alone != step.want {
				t.Errorf("step %d: alone %t; want %t", i, alone, step.want)
			}
		}
	})
}

func either(first bool, a, b Answer) Answer {
	if first {
		return a
	}
	return b
}

func TestAnswersToCallsFromBeforeThePauseDoNotProlongIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPause(time.Now)
		for range 5 {
			records(t, p, rejectedKey(0), KeyRejected)
			records(t, p, serverError(0), KeyRejected)
		}
		elapse(time.Second)
		admitsProbe(t, p)
	})
}

func TestAProbeThatDidNotCallKnockIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPause(time.Now)
		records(t, p, rejectedKey(0), KeyRejected)
		elapse(time.Second)
		p.EndProbe(admitsProbe(t, p), false)
		admitsProbe(t, p)
	})
}

func TestAProbeWithoutAnAnswerIsRepeatedAfterTheSameDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPause(time.Now)
		records(t, p, rejectedKey(0), KeyRejected)
		elapse(time.Second)
		probe := admitsProbe(t, p)
		records(t, p, noAnswer(probe), KeyRejected)
		p.EndProbe(probe, true)
		admitsNothing(t, p)
		elapse(time.Second)
		admitsProbe(t, p)
	})
}

func TestAProbeThatGetsAServerErrorEndsThePauseForTheKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPause(time.Now)
		records(t, p, rejectedKey(0), KeyRejected)
		elapse(time.Second)
		records(t, p, serverError(admitsProbe(t, p)), None)
		admitsAll(t, p)
	})
}

func TestAChangedKeyIsProbedAtOnceAndResetsTheDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPause(time.Now)
		records(t, p, rejectedKey(0), KeyRejected)
		for range 4 {
			elapse(maxProbeDelay)
			records(t, p, rejectedKey(admitsProbe(t, p)), KeyRejected)
		}
		p.ProbeNow()
		records(t, p, rejectedKey(admitsProbe(t, p)), KeyRejected)
		admitsNothing(t, p)
		elapse(2 * firstProbeDelay)
		admitsProbe(t, p)
	})
}

func TestAChangedKeyIsProbedAtOnceWhileAProbeWithTheFormerKeyHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPause(time.Now)
		records(t, p, rejectedKey(0), KeyRejected)
		elapse(time.Second)
		former := admitsProbe(t, p)
		p.ProbeNow()
		current := admitsProbe(t, p)
		records(t, p, rejectedKey(former), KeyRejected)
		p.EndProbe(former, true)
		admitsNothing(t, p) // the current probe is in progress
		p.EndProbe(current, false)
		admitsProbe(t, p)
	})
}

// elapse lets the time of a synctest bubble advance.
func elapse(d time.Duration) { <-time.After(d) }
