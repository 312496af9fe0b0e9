// SPDX-License-Identifier: Apache-2.0

package delivery_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/delivery"
	"github.com/doorbell-dev/doorbell/ingest/delivery/ratelimit/permits"
	"github.com/doorbell-dev/doorbell/ingest/eventlog"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// identifies returns one identify for each of n users.
func identifies(n int) []string {
	var events []string
	for i := range n {
		events = append(events, fmt.Sprintf("identify u%d 1", i))
	}
	return events
}

func TestABacklogIsIdentifiedAtNineHundredUsersASecondWithinKnocksLimits(t *testing.T) {
	for _, processes := range []int{1, 2} {
		t.Run(fmt.Sprintf("processes=%d", processes), func(t *testing.T) {
			const users = 5000
			const duration = time.Second // of each operation
			inVirtualTime(t, func(t *testing.T, f *fixture) {
				entries := make(chan eventlog.Entry, 2*users)
				var p *process
				for range processes {
					p = f.start(func(c *delivery.Config) {
						c.Inbox = f.openInbox()
						c.Permits = permits.Open(f.client, c.Inbox.Space())
						c.Observe = func(e eventlog.Entry) { entries <- e }
					})
				}
				p.entries = entries
				start := time.Now()
				p.send(identifies(users)...)
				final, retrying := p.finished(users)
				took := time.Since(start) - duration // the last operation takes this time and identifies the users of one call only
				if rate := users / took.Seconds(); rate < 900 {
					t.Errorf("%d identifies took %v: %.0f a second", users, took, rate)
				}
				calls := map[string]int{}
				for _, c := range f.knock.Calls() {
					calls[fmt.Sprintf("%s %d", c.Endpoint, c.Status)]++
					if c.Status == http.StatusTooManyRequests {
						t.Errorf("Knock rejected a %s with 429", c.Endpoint)
					}
				}
				t.Logf("%d identifies in %v and the time of one operation: %.0f a second; calls: %v", users, took, users/took.Seconds(), calls)
				for _, e := range final {
					if e.Status != eventlog.Succeeded || e.Actions[0].Attempts != 1 {
						t.Fatalf("user %s: %v", e.OrderingKey, summary(e))
					}
				}
				if known := len(f.knock.State().Users); known != users || retrying > 0 {
					t.Errorf("Knock knows %d users; events were retried %d times", known, retrying)
				}
			}, knocktest.WithRateLimits(nil), knocktest.WithBulkDuration(duration))
		})
	}
}

// slowly makes the limit of single identifies one a second, so that a few identifies are enough for a bulk call.
func (f *fixture) slowly() {
	f.settings.Delivery.RateLimits = map[string]int32{string(knock.IdentifyUser): 1}
}

// called returns the calls to an endpoint.
func (f *fixture) called(endpoint knock.Endpoint) []knocktest.Call {
	return slices.DeleteFunc(f.knock.Calls(), func(c knocktest.Call) bool { return c.Endpoint != endpoint })
}

func TestTheLogShowsTheRowAndTheBulkOperationOfAnEvent(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		p := f.start()
		p.send(identifies(20)...)
		final, _ := p.finished(20)
		inBulk := 0
		for _, e := range final {
			request := e.Actions[0].Requests[0]
			if request.Method != http.MethodPost {
				continue
			}
			inBulk++
			user := e.OrderingKey
			if request.Path != "/v1/users/bulk/identify" || string(request.Body) != fmt.Sprintf(`{"id":%q}`, user) {
				t.Errorf("%s: %s %s", user, request.Path, request.Body)
			}
			const operation = "00000000-0000-4000-8000-000000000001"
			if notes := e.Actions[0].Notes; !strings.Contains(request.Response, operation) || len(notes) != 1 || !strings.Contains(notes[0], operation) {
				t.Errorf("%s: response %s, notes %v", user, request.Response, notes)
			}
			if request.Status != http.StatusOK || request.At == nil || request.Took == 0 {
				t.Errorf("%s: %+v", user, request)
			}
		}
		if inBulk < 10 || len(f.called(knock.BulkIdentify)) != 1 {
			t.Errorf("%d users were identified in bulk; calls %v", inBulk, f.calls())
		}
	})
}

func TestIdentifiesAreMadeAloneAgainAfterABacklog(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		p := f.start()
		p.send(identifies(20)...)
		p.finished(20)
		<-time.After(2 * time.Second)
		before := len(f.called(knock.IdentifyUser))
		for i := range 5 {
			p.send(fmt.Sprintf("identify later%d 1", i))
			p.finished(1)
			<-time.After(1100 * time.Millisecond)
		}
		if alone := len(f.called(knock.IdentifyUser)) - before; alone != 5 || len(f.called(knock.BulkIdentify)) != 1 {
			t.Errorf("%d of 5 users were identified alone; calls %v", alone, f.calls())
		}
	})
}

func TestAUsersNextActionWaitsForTheBulkOperation(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		p := f.start()
		var events []string
		for i := range 20 {
			user := fmt.Sprintf("u%d", i)
			events = append(events, "identify "+user+" 1", "order "+user+" 2", "identify "+user+" 3", "order "+user+" 4")
		}
		p.send(events...)
		final, _ := p.finished(80)
		order := map[string]string{}
		for _, e := range final {
			order[e.OrderingKey] += number(e)
			if e.Status != eventlog.Succeeded {
				t.Errorf("%v", summary(e))
			}
		}
		for user, numbers := range order {
			if numbers != "1234" {
				t.Errorf("the events of %s finished in the order %s", user, numbers)
			}
		}
		for _, run := range f.knock.State().Runs {
			if len(run.Unknown) > 0 {
				t.Errorf("a workflow ran for %v before Knock knew the user", run.Unknown)
			}
		}
		if len(f.called(knock.BulkIdentify)) < 2 {
			t.Errorf("calls %v", f.calls())
		}
	}, knocktest.WithBulkDuration(5*time.Second))
}

func TestABadRowDeadLettersItsOwnEventOnly(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
			if c.Path == "/v1/users/u7" {
				return &knocktest.Answer{Status: http.StatusUnprocessableEntity, Body: `{"code":"invalid_params","message":"the email is invalid"}`}
			}
			return nil
		})
		p := f.start()
		p.send(identifies(20)...)
		final, retrying := p.finished(20)
		for _, e := range final {
			want := eventlog.Succeeded
			if e.OrderingKey == "u7" {
				want = eventlog.DeadLettered
			}
			if e.Status != want || want == eventlog.DeadLettered && !strings.Contains(e.Reason, "the email is invalid") {
				t.Errorf("%s: %v", e.OrderingKey, summary(e))
			}
		}
		if retrying != 1 {
			t.Errorf("%d events were retried; want that of the bad row, alone", retrying)
		}
	}, knocktest.WithFailedRows("u7"))
}

func TestARowThatKnockSkipsIsIdentifiedAlone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		p := f.start()
		p.send(identifies(20)...)
		for _, e := range first(p.finished(20)) {
			if e.Status != eventlog.Succeeded {
				t.Errorf("%s: %v", e.OrderingKey, summary(e))
			}
		}
		if known := len(f.knock.State().Users); known != 20 {
			t.Errorf("Knock knows %d of 20 users", known)
		}
	}, knocktest.WithSkippedRows("u8", "u9"))
}

func first(final []eventlog.Entry, _ int) []eventlog.Entry { return final }

func TestAFailedBulkCallIsFollowedBySingleIdentifies(t *testing.T) {
	for name, test := range map[string]struct {
		answer  knocktest.Answer
		atLeast time.Duration // from the failed call to the next call for the same user
	}{
		"400, because of one of the rows":         {knocktest.Answer{Status: http.StatusBadRequest}, 0},
		"429 with a Retry-After":                  {knocktest.Answer{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "20"}}, 20 * time.Second},
		"500, although the operation began":       {knocktest.Answer{Status: http.StatusInternalServerError, After: true}, 30 * time.Second},
		"no answer, although the operation began": {knocktest.Answer{Drop: true, After: true}, 30 * time.Second},
		"no answer within the timeout":            {knocktest.Answer{Hold: make(chan struct{})}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T, f *fixture) {
				if test.answer.Hold != nil {
					test.answer.Hold = make(chan struct{}) // of the bubble
				}
				f.slowly()
				var failed atomic.Pointer[time.Time]
				f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
					if c.Endpoint == knock.BulkIdentify && failed.CompareAndSwap(nil, &c.At) {
						return &test.answer
					}
					return nil
				})
				p := f.start()
				p.send(identifies(20)...)
				final, retrying := p.finishedWithin(20, 2*time.Minute)
				for _, e := range final {
					if request := e.Actions[0].Requests[0]; e.Status != eventlog.Succeeded {
						t.Errorf("%s: %v", e.OrderingKey, summary(e))
					} else if e.Actions[0].Attempts > 1 && (request.Method != http.MethodPut || request.At.Sub(*failed.Load()) < test.atLeast) {
						t.Errorf("%s: %s %v after the failed call", e.OrderingKey, request.Method, request.At.Sub(*failed.Load()))
					}
				}
				if retrying < 10 {
					t.Errorf("%d events were retried", retrying)
				}
			}, knocktest.WithBulkDuration(5*time.Second))
		})
	}
}

func TestARejectedKeyPausesTheSourceInABulkCallToo(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		var rejected atomic.Bool
		f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
			if c.Endpoint == knock.BulkIdentify && !rejected.Swap(true) {
				return &knocktest.Answer{Status: http.StatusUnauthorized, Body: `{"code":"api_key_expired"}`}
			}
			return nil
		})
		p := f.start()
		p.send(identifies(20)...)
		for !rejected.Load() {
			<-time.After(100 * time.Millisecond)
		}
		<-time.After(latency)
		if p.pool.Paused() == "" {
			t.Error("the source is not paused")
		}
		for _, e := range first(p.finished(20)) {
			if e.Status != eventlog.Succeeded {
				t.Errorf("%s: %v", e.OrderingKey, summary(e))
			}
		}
	})
}

func TestAfterACrashInABulkOperationTheNextProcessWaitsForItsEnd(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		crash := make(chan struct{})
		var options inbox.Options
		named(&options)
		f.knock.Respond(func(c knocktest.Call) *knocktest.Answer {
			if c.Endpoint == knock.BulkIdentify {
				return &knocktest.Answer{After: true, Hold: crash}
			}
			return nil
		})
		connection := memoryClient(t, f.memory)
		died := f.start(func(c *delivery.Config) { c.Inbox = inboxtest.Open(t, connection, options) })
		died.send(identifies(20)...)
		<-time.After(5 * time.Second)
		connection.Close()
		sent := f.called(knock.BulkIdentify)
		if len(sent) != 1 {
			t.Fatalf("calls %v", f.calls())
		}
		f.knock.Respond(nil)
		next := f.start(func(c *delivery.Config) { c.Inbox = f.openInbox(named) }) // takes the leases over
		final, _ := next.finishedWithin(20-len(died.entries), 2*time.Minute)
		for _, e := range final {
			request := e.Actions[0].Requests[0]
			inOperation := strings.Contains(sent[0].Body, fmt.Sprintf(`{"id":%q}`, e.OrderingKey))
			if since := request.At.Sub(sent[0].At); e.Status != eventlog.Succeeded || inOperation && since < 30*time.Second {
				t.Errorf("%s: %v; sent %v after the operation of the crash", e.OrderingKey, summary(e), since)
			}
		}
		close(crash)
	}, knocktest.WithBulkDuration(20*time.Second))
}

func TestAStopReleasesRowsThatWaitAndWaitsForThoseThatWereSent(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		p := f.start()
		p.send(identifies(20)...)
		for len(f.called(knock.BulkIdentify)) == 0 {
			<-time.After(10 * time.Millisecond)
		}
		p.send("identify late1 1", "identify late2 1")
		<-time.After(100 * time.Millisecond)
		start := time.Now()
		p.stop()
		if took := time.Since(start); took < 2*time.Second || took > 5*time.Second {
			t.Errorf("the stop took %v; the operation takes 3 s", took)
		}
		final, _ := p.finished(17)
		for _, e := range final {
			if e.Status != eventlog.Succeeded {
				t.Errorf("%s: %v", e.OrderingKey, summary(e))
			}
		}
		next := f.start()
		next.finished(20 - len(final) + 2 - len(p.entries))
		if known := len(f.knock.State().Users); known != 22 {
			t.Errorf("Knock knows %d of 22 users", known)
		}
	}, knocktest.WithBulkDuration(3*time.Second))
}

func TestASuspendedSourceStartsNoBulkOperation(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		p := f.start()
		p.send(identifies(20)...)
		suspended := f.settings
		suspended.Delivery.Suspend = true
		<-time.After(20 * time.Millisecond) // less than the rows wait for others
		p.pool.Configure(suspended)
		<-time.After(time.Minute)
		if bulks := f.called(knock.BulkIdentify); len(bulks) > 0 {
			t.Errorf("calls %v", f.calls())
		}
		p.pool.Configure(f.settings)
		p.finishedWithin(20, time.Minute)
	})
}

func TestADryRunMakesNoBulkCalls(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		f.settings.Caller = delivery.DryRun{}
		p := f.start()
		p.send(identifies(5)...)
		for _, e := range first(p.finished(5)) {
			if request := e.Actions[0].Requests[0]; request.Method != http.MethodPut {
				t.Errorf("%s: %s %s", e.OrderingKey, request.Method, request.Path)
			}
		}
	})
}

// panickingInBulk panics in the first bulk call.
type panickingInBulk struct {
	delivery.BulkCaller
	panicked *atomic.Bool
}

func (p panickingInBulk) DoBulk(ctx context.Context, request knock.Request) (knock.BulkOperation, knock.Response, error) {
	if !p.panicked.Swap(true) {
		panic("as the test wants")
	}
	return p.BulkCaller.DoBulk(ctx, request)
}

func TestAPanicInABulkCallDoesNotEndTheProcess(t *testing.T) {
	inVirtualTime(t, func(t *testing.T, f *fixture) {
		f.slowly()
		f.settings.Caller = panickingInBulk{f.settings.Caller.(delivery.BulkCaller), new(atomic.Bool)}
		p := f.start()
		p.send(identifies(20)...)
		final, _ := p.finishedWithin(20, 2*time.Minute)
		for _, e := range final {
			if e.Status != eventlog.Succeeded {
				t.Errorf("%s: %v", e.OrderingKey, summary(e))
			}
		}
	})
}
