// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/delivery/policy"
	"github.com/doorbell-dev/doorbell/ingest/knock"
)

var (
	trigger     = knock.Request{Endpoint: knock.TriggerWorkflow, Method: http.MethodPost}
	identify    = knock.Request{Endpoint: knock.IdentifyUser, Method: http.MethodPut}
	remove      = knock.Request{Endpoint: knock.DeleteUser, Method: http.MethodDelete}
	merge       = knock.Request{Endpoint: knock.MergeUser, Method: http.MethodPost}
	unsubscribe = knock.Request{Endpoint: knock.Unsubscribe, Method: http.MethodDelete}
)

// answer returns a rejection of a request with a status and a code.
func answer(request knock.Request, status int, code string) error {
	return &knock.Error{Endpoint: request.Endpoint, Status: status, Code: code}
}

func TestWhatEachAnswerMeans(t *testing.T) {
	t.Parallel()
	type want struct {
		Meaning policy.Meaning
		Step    policy.Step
	}
	done := want{policy.Succeeded, policy.Continue}
	retry := want{policy.Transient, policy.Retry}
	deadLetter := want{policy.Permanent, policy.DeadLetter}
	pause := want{policy.KeyRejected, policy.WaitForSource}
	for name, tc := range map[string]struct {
		request  knock.Request
		err      error
		repeated bool
		want     want
	}{
		"2xx": {trigger, nil, false, done},

		"401":                         {trigger, answer(trigger, 401, ""), false, pause},
		"401 to a repeated call":      {trigger, answer(trigger, 401, ""), true, pause},
		"api_key_missing":             {trigger, answer(trigger, 400, "api_key_missing"), false, pause},
		"api_key_expired":             {trigger, answer(trigger, 403, "api_key_expired"), false, pause},
		"bearer_token_invalid":        {trigger, answer(trigger, 400, "bearer_token_invalid"), false, pause},
		"authentication_required":     {trigger, answer(trigger, 422, "authentication_required"), false, pause},
		"incorrect_token_type":        {trigger, answer(trigger, 403, "incorrect_token_type"), false, pause},
		"an authentication code, 500": {trigger, answer(trigger, 500, "api_key_expired"), false, pause},

		"403":               {trigger, answer(trigger, 403, ""), false, retry},
		"301":               {trigger, answer(trigger, 301, ""), false, retry},
		"307":               {trigger, answer(trigger, 307, ""), false, retry},
		"408":               {trigger, answer(trigger, 408, ""), false, retry},
		"409":               {trigger, answer(trigger, 409, ""), false, retry},
		"425":               {trigger, answer(trigger, 425, ""), false, retry},
		"429":               {trigger, answer(trigger, 429, ""), false, retry},
		"500":               {trigger, answer(trigger, 500, ""), false, retry},
		"599":               {trigger, answer(trigger, 599, ""), false, retry},
		"no answer":         {trigger, errors.New("connection reset"), false, retry},
		"no answer in time": {trigger, context.DeadlineExceeded, false, retry},
		"a 200 whose body does not come from Knock": {trigger, answer(trigger, 200, ""), false, retry},

		"400 that says the Idempotency-Key was used with other parameters": {trigger, answer(trigger, 400, "idempotency_mismatch"), true, done},

		"404 on a repeated delete":          {remove, answer(remove, 404, ""), true, done},
		"404 on a repeated merge":           {merge, answer(merge, 404, ""), true, done},
		"404 on a first delete":             {remove, answer(remove, 404, ""), false, deadLetter},
		"404 on a first merge":              {merge, answer(merge, 404, ""), false, deadLetter},
		"404 on a repeated unsubscribe":     {unsubscribe, answer(unsubscribe, 404, ""), true, deadLetter},
		"404 on a trigger":                  {trigger, answer(trigger, 404, "workflow_missing"), false, deadLetter},
		"400 for other reasons":             {trigger, answer(trigger, 400, "invalid_params"), false, deadLetter},
		"400 about a key that was not sent": {identify, answer(identify, 400, "idempotency_mismatch"), false, deadLetter},
		"422":                               {trigger, answer(trigger, 422, ""), true, deadLetter},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := policy.Decide(tc.request, policy.History{Repeated: tc.repeated, RetryFor: time.Hour}, tc.err)
			if diff := cmp.Diff(tc.want, want{d.Meaning, d.Step}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if (d.Reason == "") != (tc.want == done) {
				t.Errorf("the reason is %q", d.Reason)
			}
		})
	}
}

func TestAReusedIdempotencyKeyIsNoted(t *testing.T) {
	t.Parallel()
	if d := policy.Decide(trigger, policy.History{}, answer(trigger, 400, "idempotency_mismatch")); d.Note == "" {
		t.Error("the decision has no note")
	}
}

func TestHowLongARetryWaits(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	limited := &knock.Error{Status: 429, Message: "slow down", RetryAfter: 20 * time.Second}
	lost := errors.New("connection reset")
	for name, tc := range map[string]struct {
		history policy.History
		err     error
		want    policy.Decision
	}{
		"the first failure waits up to a second": {
			policy.History{RetryFor: hour, Jitter: 1},
			lost,
			policy.Decision{Step: policy.Retry, Wait: time.Second, Reason: "connection reset"},
		},
		"the jitter is a fraction of the bound": {
			policy.History{RetryFor: hour, Failures: 3, Jitter: 0.5},
			lost,
			policy.Decision{Step: policy.Retry, Wait: 4 * time.Second, Reason: "connection reset"},
		},
		"the bound doubles up to five minutes": {
			policy.History{RetryFor: hour, Failures: 9, Jitter: 1},
			lost,
			policy.Decision{Step: policy.Retry, Wait: 5 * time.Minute, Reason: "connection reset"},
		},
		"the bound stays at five minutes": {
			policy.History{RetryFor: hour, Failures: 100_000, Jitter: 1},
			lost,
			policy.Decision{Step: policy.Retry, Wait: 5 * time.Minute, Reason: "connection reset"},
		},
		"Retry-After is the least": {
			policy.History{RetryFor: hour, Jitter: 1},
			limited,
			policy.Decision{Step: policy.Retry, Wait: 20 * time.Second, Reason: policy.Explain(limited)},
		},
		"a wait that ends within retryFor is made": {
			policy.History{RetryFor: 10 * time.Second, Spent: 9 * time.Second, Jitter: 1},
			lost,
			policy.Decision{Step: policy.Retry, Wait: time.Second, Reason: "connection reset"},
		},
		"a wait that would end after retryFor dead-letters the action": {
			policy.History{RetryFor: 10 * time.Second, Spent: 9*time.Second + 1, Jitter: 1},
			lost,
			policy.Decision{
				Step: policy.DeadLetter, Reason: "retries ended after 10s (spec.delivery.retryFor): connection reset",
			},
		},
		"in an outage an action waits for the source, at most 30 s, even if retryFor is over": {
			policy.History{RetryFor: time.Second, Spent: hour, Failures: 9, Jitter: 1, Outage: true},
			lost,
			policy.Decision{Step: policy.WaitForSource, Wait: 30 * time.Second, Reason: "connection reset"},
		},
		"in an outage that no other event shows, an action waits for the whole backoff": {
			policy.History{RetryFor: hour, Spent: 2*hour - 2*time.Second, Failures: 1, Outage: true, Alone: true},
			lost,
			policy.Decision{Step: policy.WaitForSource, Wait: 2 * time.Second, Reason: "connection reset"},
		},
		"in an outage that no other event shows, an action is dead-lettered after twice retryFor": {
			policy.History{RetryFor: hour, Spent: 2*hour - 2*time.Second + 1, Failures: 1, Outage: true, Alone: true},
			lost,
			policy.Decision{
				Step: policy.DeadLetter,
				Reason: "retries ended after 2h0m0s (twice spec.delivery.retryFor), in which no other event failed and no call succeeded: " +
					"connection reset",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.want.Meaning = policy.Transient
			if diff := cmp.Diff(tc.want, policy.Decide(trigger, tc.history, tc.err)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAFailedBulkCallNeverDeadLetters(t *testing.T) {
	t.Parallel()
	bulk := knock.Request{Endpoint: knock.BulkIdentify}
	limited := &knock.Error{Endpoint: knock.BulkIdentify, Status: 429, RetryAfter: 20 * time.Second}
	lost := errors.New("connection reset")
	for name, tc := range map[string]struct {
		history policy.History
		err     error
		want    policy.Decision
	}{
		"422, which one of the rows has caused": {
			policy.History{Jitter: 1},
			answer(bulk, 422, ""),
			policy.Decision{Meaning: policy.Permanent, Step: policy.Retry, Wait: time.Second},
		},
		"no answer, after the end of retryFor": {
			policy.History{Spent: time.Hour, RetryFor: time.Second, Failures: 2, Jitter: 1},
			lost,
			policy.Decision{Meaning: policy.Transient, Step: policy.Retry, Wait: 4 * time.Second},
		},
		"Retry-After is the least": {
			policy.History{Jitter: 1},
			limited,
			policy.Decision{Meaning: policy.Transient, Step: policy.Retry, Wait: 20 * time.Second},
		},
		"a rejected key pauses the source": {
			policy.History{Jitter: 1},
			answer(bulk, 401, ""),
			policy.Decision{Meaning: policy.KeyRejected, Step: policy.WaitForSource},
		},
		"in an outage the event waits for the source": {
			policy.History{Outage: true, Failures: 9, Jitter: 1},
			lost,
			policy.Decision{Meaning: policy.Transient, Step: policy.WaitForSource, Wait: 30 * time.Second},
		},
		"a success": {policy.History{}, nil, policy.Decision{Meaning: policy.Succeeded, Step: policy.Continue}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := policy.DecideBulk(tc.history, tc.err)
			if (got.Reason == "") != (tc.err == nil) {
				t.Errorf("the reason is %q", got.Reason)
			}
			got.Reason = ""
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestExplainReturnsTheErrorWithAHint(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"Knock's code, message and a hint": {
			&knock.Error{Endpoint: knock.TriggerWorkflow, Status: 404, Code: "workflow_missing", Message: "the workflow was not found"},
			"knock: triggerWorkflow: HTTP 404 workflow_missing: the workflow was not found; " +
				"commit the workflow in this environment, or correct the workflow key in the mapping",
		},
		"an answer without a hint": {
			&knock.Error{Endpoint: knock.IdentifyUser, Status: 500, Message: "internal server error"},
			"knock: identifyUser: HTTP 500: internal server error",
		},
		"no answer": {errors.New("connection reset"), "connection reset"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := policy.Explain(tc.err); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestJitterIsEvenlyDistributedOverEventsAndAttempts(t *testing.T) {
	t.Parallel()
	const events, attempts, parts = 100, 100, 10
	var counts [parts]int
	for e := range events {
		for attempt := range attempts {
			j := policy.Jitter(fmt.Sprintf("0190f3c1-%04d", e), attempt)
			if again := policy.Jitter(fmt.Sprintf("0190f3c1-%04d", e), attempt); j < 0 || j >= 1 || j != again {
				t.Fatalf("event %d, attempt %d: jitter %v, then %v", e, attempt, j, again)
			}
			counts[int(parts*j)]++
		}
	}
	for part, n := range counts {
		if want := events * attempts / parts; n < want*9/10 || n > want*11/10 {
			t.Errorf("part %d of the range has %d values; want about %d", part, n, want)
		}
	}
}
