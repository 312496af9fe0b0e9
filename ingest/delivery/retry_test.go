// SPDX-License-Identifier: Apache-2.0

package delivery

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

func TestClassify(t *testing.T) {
	live := t.Context()
	ended, end := context.WithCancel(live)
	end()
	trigger := knock.Request{Endpoint: knock.TriggerWorkflow, Method: http.MethodPost}
	remove := knock.Request{Endpoint: knock.DeleteUser, Method: http.MethodDelete}
	merge := knock.Request{Endpoint: knock.MergeUser, Method: http.MethodPost}
	unsubscribe := knock.Request{Endpoint: knock.Unsubscribe, Method: http.MethodDelete, Body: []byte(`{}`)}
	answer := func(status int) error { return &knock.Error{Status: status} }

	for name, tc := range map[string]struct {
		ctx      context.Context //nolint:containedctx // the case's input
		request  knock.Request
		err      error
		repeated bool
		want     outcome
	}{
		"a success succeeds":                                   {live, trigger, nil, false, succeeded},
		"a success counts even if the lease has ended":         {ended, trigger, nil, false, succeeded},
		"a call that was canceled with the lease is abandoned": {ended, trigger, context.Canceled, false, abandoned},
		"a rejection after the lease has ended is abandoned":   {ended, trigger, answer(422), false, abandoned},
		"no answer is transient":                               {live, trigger, errors.New("connection reset"), false, transient},
		"a timeout is transient":                               {live, trigger, context.DeadlineExceeded, false, transient},
		"408 is transient":                                     {live, trigger, answer(408), false, transient},
		"409 is transient":                                     {live, trigger, answer(409), false, transient},
		"429 is transient":                                     {live, trigger, answer(429), false, transient},
		"500 is transient":                                     {live, trigger, answer(500), false, transient},
		"599 is transient":                                     {live, trigger, answer(599), false, transient},
		"a 200 that does not come from Knock is transient":     {live, trigger, answer(200), false, transient},
		"400 is permanent":                                     {live, trigger, answer(400), false, permanent},
		"404 is permanent":                                     {live, trigger, answer(404), false, permanent},
		"422 is permanent":                                     {live, trigger, answer(422), true, permanent},
		"a redirect is permanent":                              {live, trigger, answer(302), false, permanent},
		"401 rejects the key":                                  {live, trigger, answer(401), false, keyRejected},
		"403 rejects the key":                                  {live, trigger, answer(403), true, keyRejected},
		"a first delete that gets 404 is permanent":            {live, remove, answer(404), false, permanent},
		"a repeated delete that gets 404 succeeds":             {live, remove, answer(404), true, succeeded},
		"a repeated merge that gets 404 succeeds":              {live, merge, answer(404), true, succeeded},
		"a repeated unsubscribe that gets 404 is permanent":    {live, unsubscribe, answer(404), true, permanent},
	} {
		t.Run(name, func(t *testing.T) {
			if got := classify(tc.ctx, tc.request, tc.err, tc.repeated); got != tc.want {
				t.Errorf("got %v; want %v", got, tc.want)
			}
		})
	}
}

func TestExplainReturnsTheErrorWithAHint(t *testing.T) {
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
			if got := explain(tc.err); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestBackoffIsRandomUpToABoundThatGrows(t *testing.T) {
	for n, most := range map[int]time.Duration{
		0: time.Second, 1: 2 * time.Second, 3: 8 * time.Second, 8: 256 * time.Second, 9: maxBackoff, 16: maxBackoff, 100_000: maxBackoff,
	} {
		least, greatest := most, time.Duration(0)
		for range 1000 {
			wait := backoff(n, errors.New("connection reset"))
			if wait < 0 || wait > most {
				t.Fatalf("failure %d: %v; want at most %v", n, wait, most)
			}
			least, greatest = min(least, wait), max(greatest, wait)
		}
		if least > most/10 || greatest < most*9/10 {
			t.Errorf("failure %d: from %v to %v; want values from 0 to %v", n, least, greatest, most)
		}
	}
}

func TestBackoffIsAtLeastRetryAfter(t *testing.T) {
	for _, asked := range []time.Duration{2 * time.Second, time.Hour} {
		if got := backoff(0, &knock.Error{Status: 429, RetryAfter: asked}); got != asked {
			t.Errorf("got %v; want %v", got, asked)
		}
	}
}
