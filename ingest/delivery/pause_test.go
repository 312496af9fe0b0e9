// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestARejectedKeyPausesTheSourceUntilItIsConfiguredAgain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]*knocktest.Answer{
		"401":                 {Status: http.StatusUnauthorized},
		"authentication code": {Status: http.StatusBadRequest, Body: `{"code":"bearer_token_invalid","message":"401, in a way"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.knock.Respond(func(knocktest.Call) *knocktest.Answer { return answer })
			p := f.start()
			const users = 20
			for i := range users {
				p.send(fmt.Sprintf("identify u%d 1", i), fmt.Sprintf("order u%d 2", i))
			}
			if e := p.next(); e.Status != eventlog.Retrying || !strings.HasPrefix(e.Reason, "delivery paused: knock: identifyUser: HTTP ") {
				t.Errorf("logged %s: %s", e.Status, e.Reason)
			}
			if !strings.Contains(p.pool.Paused(), "401") && !strings.Contains(p.pool.Paused(), "400") {
				t.Errorf("the reason of the pause is %q", p.pool.Paused())
			}
			f.knock.Respond(nil)
			p.pool.Configure(f.settings)
			final, _ := p.finished(2 * users)
			last := map[string]string{}
			for _, e := range final {
				if e.Status != eventlog.Succeeded || e.Key <= last[e.OrderingKey] {
					t.Errorf("user %s, event %s after %q: %v", e.OrderingKey, e.Key, last[e.OrderingKey], summary(e))
				}
				last[e.OrderingKey] = e.Key
			}
			if p.pool.Paused() != "" {
				t.Errorf("still the reason of the pause is %q", p.pool.Paused())
			}
		})
	}
}

func TestAPausedSourceProbesWithOneCallAtATimeAndResumesByItself(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setKey("sk_expired")
	p := f.start()
	p.send("identify first 1")
	p.next()
	before := len(f.knock.Calls())
	for i := range 50 {
		p.send(fmt.Sprintf("identify u%d 1", i))
	}
	p.next() // a probe, after a second
	if now := len(f.knock.Calls()); now != before+1 {
		t.Errorf("%d calls while paused; want one", now-before)
	}
	f.setKey(knocktest.APIKey)
	if final, _ := p.finished(51); final[50].Status != eventlog.Succeeded {
		t.Errorf("got %v", summary(final[50]))
	}
}

func TestOneUserWhoseCallsGet403NeverPausesOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
		if c.Path == "/v1/users/forbidden" {
			return &knocktest.Answer{Status: http.StatusForbidden, Body: "<html>blocked</html>"}
		}
		return nil
	})
	p := f.start()
	p.send("identify forbidden 1")
	if e := p.next(); e.Status != eventlog.Retrying || strings.Contains(e.Reason, "paused") {
		t.Errorf("logged %v", summary(e))
	}
	for i := range 20 {
		p.send(fmt.Sprintf("order u%d 1", i))
		if final, _ := p.finished(1); final[0].Status != eventlog.Succeeded {
			t.Errorf("got %v", summary(final[0]))
		}
		if reason := p.pool.Paused(); reason != "" {
			t.Fatalf("the source is paused: %s", reason)
		}
	}
}

func TestA403IsRetriedUntilRetryForIsOver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.settings.Delivery.RetryFor = 1500 * time.Millisecond
	f.knock.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Status: http.StatusForbidden} })
	p := f.start()
	p.send("identify u 1")
	final, retrying := p.finished(1)
	if final[0].Status != eventlog.DeadLettered || retrying == 0 || !strings.Contains(final[0].Reason, "retries ended") {
		t.Errorf("after %d retries: %v", retrying, summary(final[0]))
	}
}

func TestAnOutageDeadLettersNoEventAndEndsWithTheFirstSuccess(t *testing.T) {
	t.Parallel()
	clock := &clock{}
	f := newFixture(t)
	f.settings.Delivery.RetryFor = time.Minute
	f.settings.Caller = slow{f.settings.Caller, clock, 2 * time.Second}
	f.knock.Respond(func(knocktest.Call) *knocktest.Answer {
		return &knocktest.Answer{Status: http.StatusServiceUnavailable}
	})
	p := f.start(func(c *delivery.Config) { c.Now = clock.now })
	const users = 30
	for i := range users {
		p.send(fmt.Sprintf("order u%d 1", i))
	}
	for p.pool.Paused() == "" {
		p.next()
	}
	for range 20 { // probes that fail
		before := len(f.knock.Calls())
		p.pool.Configure(f.settings)
		f.awaitCalls(func(calls []knocktest.Call) bool { return len(calls) > before })
		clock.passed.Add(int64(10 * time.Minute))
	}
	f.knock.Respond(nil)
	p.pool.Configure(f.settings)
	final, _ := p.finished(users)
	for _, e := range final {
		if e.Status != eventlog.Succeeded {
			t.Errorf("user %s: %v", e.OrderingKey, summary(e))
		}
	}
	if reason := p.pool.Paused(); reason != "" {
		t.Errorf("still paused: %s", reason)
	}
}

func TestAnEventThatFailsAloneEndsAsADeadLetterAndTheNextOneIsDelivered(t *testing.T) {
	t.Parallel()
	clock := &clock{}
	f := newFixture(t)
	f.settings.Delivery.RetryFor = 24 * time.Second
	f.settings.Caller = slow{f.settings.Caller, clock, 10 * time.Second}
	f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
		if strings.Contains(c.Path, "poison") {
			return &knocktest.Answer{Status: http.StatusInternalServerError}
		}
		return nil
	})
	p := f.start(func(c *delivery.Config) { c.Now = clock.now })
	p.send("identify poison 1")
	paused := false
	for entry := p.next(); entry.Status != eventlog.DeadLettered; entry = p.next() {
		if strings.HasPrefix(entry.Reason, "delivery paused") {
			paused = true
			clock.passed.Add(int64(time.Minute)) // a probe may begin
		}
	}
	if !paused {
		t.Error("the source was not paused; want a pause, because the failures may be an outage")
	}
	clock.passed.Add(int64(time.Minute))
	p.send("identify other 1")
	if final, _ := p.finished(1); final[0].Status != eventlog.Succeeded {
		t.Errorf("got %v", summary(final[0]))
	}
}

func TestAProbeThatGetsAServerErrorDoesNotKeepThePauseForTheKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.setKey("sk_expired")
	p := f.start()
	p.send("identify u 1")
	p.next()
	f.answers(knock.IdentifyUser, 500)
	f.setKey(knocktest.APIKey)
	p.pool.Configure(f.settings)
	if e := p.next(); e.Status != eventlog.Retrying || strings.Contains(e.Reason, "paused") || p.pool.Paused() != "" {
		t.Errorf("the probe is logged as %v; the source is paused: %q", summary(e), p.pool.Paused())
	}
	p.finished(1)
}
