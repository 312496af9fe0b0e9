// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/report"
)

func TestTheKnockStatusFollowsFromTheResultsOfCalls(t *testing.T) {
	noAnswer := errors.New("connection refused")
	answer := func(status int) error { return &knock.Error{Status: status, Message: "said"} }
	slowly := &knock.Error{Status: 429, Message: "said", RetryAfter: 20 * time.Second}
	type calls []error // one a second
	for name, test := range map[string]struct {
		calls calls
		state report.KnockState
		since int // the number of the call that started the state
	}{
		"no call":                                  {nil, report.KnockIdle, 0},
		"a success":                                {calls{nil, nil}, report.KnockReachable, 1},
		"a rejected request":                       {calls{answer(422)}, report.KnockReachable, 1},
		"no answer to the first call":              {calls{noAnswer}, report.KnockUnreachable, 1},
		"one failure among many answers":           {calls{nil, answer(500), nil}, report.KnockReachable, 1},
		"two failures in a row":                    {calls{nil, noAnswer, answer(503)}, report.KnockUnreachable, 3},
		"failures, then an answer":                 {calls{noAnswer, noAnswer, nil}, report.KnockReachable, 3},
		"a canceled call":                          {calls{nil, context.Canceled, context.Canceled}, report.KnockReachable, 1},
		"a call that timed out":                    {calls{context.DeadlineExceeded}, report.KnockUnreachable, 1},
		"a rejected key":                           {calls{nil, answer(401)}, report.KnockUnauthorized, 2},
		"a forbidden call":                         {calls{nil, answer(403), answer(403)}, report.KnockReachable, 1},
		"an authentication code":                   {calls{nil, &knock.Error{Status: 400, Code: "bearer_token_invalid"}}, report.KnockUnauthorized, 2},
		"a rejected key, then no answer":           {calls{answer(401), noAnswer, noAnswer}, report.KnockUnauthorized, 1},
		"a rejected key, then an answer":           {calls{answer(401), nil}, report.KnockReachable, 2},
		"a 429":                                    {calls{nil, answer(429)}, report.KnockRateLimited, 2},
		"a 429, then successes within 5 s":         {calls{answer(429), nil, nil}, report.KnockRateLimited, 1},
		"a 429, then successes within Retry-After": {calls{slowly, nil, nil, nil, nil, nil, nil, nil, nil}, report.KnockRateLimited, 1},
		"a 429, then successes for longer":         {calls{answer(429), nil, nil, nil, nil, nil, nil}, report.KnockReachable, 6},
	} {
		t.Run(name, func(t *testing.T) {
			var status Status
			began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			for i, err := range test.calls {
				status.Record(err, began.Add(time.Duration(i+1)*time.Second))
			}
			want := report.Knock{State: test.state}
			if test.since > 0 {
				want.Since = began.Add(time.Duration(test.since) * time.Second)
			}
			got := status.Knock()
			if fine := got.State == report.KnockIdle || got.State == report.KnockReachable; fine != (got.Problem == "") {
				t.Errorf("%s has the problem %q", got.State, got.Problem)
			}
			got.Problem = ""
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			status.Reset()
			if diff := cmp.Diff(report.Knock{State: report.KnockIdle}, status.Knock()); diff != "" {
				t.Errorf("after the reset (-want +got)\n%s", diff)
			}
		})
	}
}

func TestAStateKeepsTheProblemOfItsFirstCall(t *testing.T) {
	var status Status
	status.Record(errors.New("read tcp 10.0.0.1:40001: reset"), time.Unix(1, 0))
	status.Record(errors.New("read tcp 10.0.0.1:40002: reset"), time.Unix(2, 0))
	if problem := status.Knock().Problem; !strings.Contains(problem, "40001") {
		t.Errorf("problem %q; want the problem of the first call, because a changed problem would be written to the status", problem)
	}
}
