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

func TestJudge(t *testing.T) {
	live := t.Context()
	over, end := context.WithCancel(live)
	end()
	trigger := knock.Request{Endpoint: knock.TriggerWorkflow, Method: http.MethodPost}
	remove := knock.Request{Endpoint: knock.DeleteUser, Method: http.MethodDelete}
	merge := knock.Request{Endpoint: knock.MergeUser, Method: http.MethodPost}
	unsubscribe := knock.Request{Endpoint: knock.Unsubscribe, Method: http.MethodDelete, Body: []byte(`{}`)}
	answer := func(status int) error { return &knock.Error{Status: status} }

	for name, tc := range map[string]struct {
		ctx     context.Context //nolint:containedctx // a case's own
		request knock.Request
		err     error
		again   bool
		want    verdict
	}{
		"an answer that takes the call is a success":         {live, trigger, nil, false, succeeded},
		"a success counts even when the claim ended with it": {over, trigger, nil, false, succeeded},
		"a call cut off with the claim is abandoned":         {over, trigger, context.Canceled, false, abandoned},
		"a refusal after the claim ended is abandoned":       {over, trigger, answer(422), false, abandoned},
		"no answer may pass":                                 {live, trigger, errors.New("connection reset"), false, transient},
		"a call that took too long may pass":                 {live, trigger, context.DeadlineExceeded, false, transient},
		"408 may pass":                                       {live, trigger, answer(408), false, transient},
		"409 may pass":                                       {live, trigger, answer(409), false, transient},
		"429 may pass":                                       {live, trigger, answer(429), false, transient},
		"500 may pass":                                       {live, trigger, answer(500), false, transient},
		"599 may pass":                                       {live, trigger, answer(599), false, transient},
		"a 200 that is not Knock's may pass":                 {live, trigger, answer(200), false, transient},
		"400 cannot pass":                                    {live, trigger, answer(400), false, permanent},
		"404 cannot pass":                                    {live, trigger, answer(404), false, permanent},
		"422 cannot pass":                                    {live, trigger, answer(422), true, permanent},
		"a redirect cannot pass":                             {live, trigger, answer(302), false, permanent},
		"401 refuses the key":                                {live, trigger, answer(401), false, refused},
		"403 refuses the key":                                {live, trigger, answer(403), true, refused},
		"a first delete of what is not there fails":          {live, remove, answer(404), false, permanent},
		"a later one finds its own work":                     {live, remove, answer(404), true, succeeded},
		"so does a later merge":                              {live, merge, answer(404), true, succeeded},
		"a later unsubscribe has lost its object":            {live, unsubscribe, answer(404), true, permanent},
	} {
		t.Run(name, func(t *testing.T) {
			if got := judge(tc.ctx, tc.request, tc.err, tc.again); got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}

func TestExplain(t *testing.T) {
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

func TestBackoffIsFullJitterUnderAGrowingBound(t *testing.T) {
	for n, most := range map[int]time.Duration{
		0: time.Second, 1: 2 * time.Second, 3: 8 * time.Second, 8: 256 * time.Second, 9: lastBackoff, 16: lastBackoff, 100_000: lastBackoff,
	} {
		least, greatest := most, time.Duration(0)
		for range 1000 {
			wait := backoff(n, errors.New("connection reset"))
			if wait < 0 || wait > most {
				t.Fatalf("failure %d: %v, at most %v", n, wait, most)
			}
			least, greatest = min(least, wait), max(greatest, wait)
		}
		if least > most/10 || greatest < most*9/10 {
			t.Errorf("failure %d: from %v to %v; want all of 0 to %v", n, least, greatest, most)
		}
	}
}

func TestBackoffIsAtLeastWhatKnockAsksFor(t *testing.T) {
	for _, asked := range []time.Duration{2 * time.Second, time.Hour} {
		if got := backoff(0, &knock.Error{Status: 429, RetryAfter: asked}); got != asked {
			t.Errorf("got %v, want %v", got, asked)
		}
	}
}
