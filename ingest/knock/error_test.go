// SPDX-License-Identifier: Apache-2.0

package knock_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestAnErrorContainsTheDetailsOfTheResponse(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	header := func(after string) map[string]string { return map[string]string{"Retry-After": after} }
	for name, test := range map[string]struct {
		answer knocktest.Answer
		want   knock.Error
	}{
		"with Knock's body": {
			knocktest.Answer{Status: 422, Body: `{"code":"invalid_params","message":"bad","status":422,"type":"invalid_request_error",` +
				`"errors":[{"field":"name","message":"is too long","type":null},{"message":"and wrong"}]}`},
			knock.Error{Status: 422, Code: "invalid_params", Message: "bad (name: is too long; and wrong)"},
		},
		"with a single error": {
			knocktest.Answer{Status: 400, Body: `{"code":"c","errors":{"field":"name","message":"is too long"}}`},
			knock.Error{Status: 400, Code: "c", Message: "(name: is too long)"},
		},
		"with errors of an unknown shape": {
			knocktest.Answer{Status: 400, Body: `{"code":"c","message":"m","errors":"x"}`},
			knock.Error{Status: 400, Code: "c", Message: "m"},
		},
		"with a message of an unknown shape": {
			knocktest.Answer{Status: 400, Body: `{"message":{"en":"m"},"code":"c"}`},
			knock.Error{Status: 400, Code: "c", Message: "bad request"},
		},
		"without a body":         {knocktest.Answer{Status: 500}, knock.Error{Status: 500, Message: "internal server error"}},
		"from a load balancer":   {knocktest.Answer{Status: 502, Body: "<html>"}, knock.Error{Status: 502, Message: "bad gateway"}},
		"with an unknown status": {knocktest.Answer{Status: 599}, knock.Error{Status: 599, Message: "status 599"}},
		"as an HTML page with the status 200": {
			knocktest.Answer{Status: 200, Body: "<html>"}, knock.Error{Status: 200, Message: "the response is not JSON"},
		},
		"with seconds to wait": {
			knocktest.Answer{Status: 429, Header: header("7")},
			knock.Error{Status: 429, Message: "too many requests", RetryAfter: 7 * time.Second},
		},
		"with a date to wait until": {
			knocktest.Answer{Status: 503, Header: header("Wed, 01 Jul 2026 12:01:00 GMT")},
			knock.Error{Status: 503, Message: "service unavailable", RetryAfter: time.Minute},
		},
		"with a date that has passed": {
			knocktest.Answer{Status: 503, Header: header("Wed, 01 Jul 2026 11:00:00 GMT")},
			knock.Error{Status: 503, Message: "service unavailable"},
		},
		"with a wait of more than an hour": {
			knocktest.Answer{Status: 503, Header: header("9223372036854775807")},
			knock.Error{Status: 503, Message: "service unavailable", RetryAfter: time.Hour},
		},
		"with a negative wait": {
			knocktest.Answer{Status: 503, Header: header("-5")}, knock.Error{Status: 503, Message: "service unavailable"},
		},
		"with a wait that is neither a number nor a date": {
			knocktest.Answer{Status: 503, Header: header("soon")}, knock.Error{Status: 503, Message: "service unavailable"},
		},
		"with the API key in it": {
			knocktest.Answer{Status: 400, Body: `{"message":"you sent Bearer ` + knocktest.APIKey + `"}`},
			knock.Error{Status: 400, Message: "you sent Bearer [API key]", Excerpt: `{"message":"you sent Bearer [API key]"}`},
		},
		"that is not UTF-8 and long": {
			knocktest.Answer{Status: 400, Body: "\xff" + strings.Repeat("é", 1000)},
			knock.Error{Status: 400, Message: "bad request", Excerpt: "?" + strings.Repeat("é", 511)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := knocktest.New(t)
			fake.Respond(func(knocktest.Call) *knocktest.Answer { return &test.answer })
			caller := knock.New(knock.Config{
				BaseURL: fake.URL, APIKey: func() string { return knocktest.APIKey }, Now: func() time.Time { return now },
			})
			request, err := knock.NewRequest(knock.DeleteUser, "u1")
			_, err = caller.Do(t.Context(), must(t, request, err))
			got, ok := errors.AsType[*knock.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			test.want.Endpoint = knock.DeleteUser
			if test.want.Excerpt == "" {
				test.want.Excerpt = test.answer.Body
			}
			if diff := cmp.Diff(&test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTheseErrorsAreTemporary(t *testing.T) {
	for status, want := range map[int]bool{
		200: true, 301: true, 307: true, 400: false, 401: false, 403: true, 404: false, 408: true, 409: true, 413: false,
		422: false, 425: true, 429: true, 500: true, 502: true, 503: true, 599: true,
	} {
		if got := (&knock.Error{Status: status}).Temporary(); got != want {
			t.Errorf("%d: got %t", status, got)
		}
	}
}

func TestAnAuthenticationCodeOrA401RejectsTheKey(t *testing.T) {
	for name, test := range map[string]struct {
		err  knock.Error
		want bool
	}{
		"a 401 without a code":                      {knock.Error{Status: 401}, true},
		"a 400 that calls the token invalid":        {knock.Error{Status: 400, Code: "bearer_token_invalid"}, true},
		"a 403 for a public key":                    {knock.Error{Status: 403, Code: "incorrect_token_type"}, true},
		"a 403 of a firewall":                       {knock.Error{Status: 403, Message: "forbidden"}, false},
		"a 400 with a code about the call's values": {knock.Error{Status: 400, Code: "invalid_params"}, false},
	} {
		if got := test.err.RejectsKey(); got != test.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestAReusedIdempotencyKeyIsRecognizedByCodeOrMessage(t *testing.T) {
	for name, test := range map[string]struct {
		err  knock.Error
		want bool
	}{
		"by the code":                  {knock.Error{Endpoint: knock.TriggerWorkflow, Status: 400, Code: "idempotency_mismatch"}, true},
		"by the message":               {knock.Error{Endpoint: knock.TriggerWorkflow, Status: 400, Message: "Idempotency-Key was reused"}, true},
		"not by another 400":           {knock.Error{Endpoint: knock.TriggerWorkflow, Status: 400, Code: "invalid_params"}, false},
		"not by a 422":                 {knock.Error{Endpoint: knock.TriggerWorkflow, Status: 422, Code: "idempotency_mismatch"}, false},
		"not for a call without a key": {knock.Error{Endpoint: knock.IdentifyUser, Status: 400, Code: "idempotency_mismatch"}, false},
	} {
		if got := test.err.ReusesIdempotencyKey(); got != test.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestAHintSaysHowToFixTheError(t *testing.T) {
	for name, test := range map[string]struct {
		err  knock.Error
		want string // a part of the hint
	}{
		"a missing workflow":                      {knock.Error{Status: 404, Code: "workflow_missing"}, "commit the workflow"},
		"an inactive workflow":                    {knock.Error{Status: 422, Code: "workflow_inactive"}, "activate the workflow"},
		"a missing actor":                         {knock.Error{Status: 404, Code: "actor_missing"}, "identify the actor"},
		"no key":                                  {knock.Error{Status: 401, Code: "api_key_missing"}, "valid secret API key"},
		"an old key":                              {knock.Error{Status: 401, Code: "api_key_expired"}, "valid secret API key"},
		"a public key":                            {knock.Error{Status: 403, Code: "incorrect_token_type"}, "not its public key"},
		"a 401 without a code":                    {knock.Error{Status: 401}, "valid secret API key"},
		"a 403 without a code":                    {knock.Error{Status: 403}, "permission"},
		"a missing resource":                      {knock.Error{Status: 404, Code: "resource_missing"}, "create it"},
		"a 404 without a code":                    {knock.Error{Status: 404}, "create it"},
		"an idempotency key with another body":    {knock.Error{Status: 400, Endpoint: knock.TriggerWorkflow}, "idempotency key"},
		"a trigger with bad parameters":           {knock.Error{Status: 400, Endpoint: knock.TriggerWorkflow, Code: "invalid_params"}, "wrong type"},
		"a 400 of another endpoint":               {knock.Error{Status: 400, Endpoint: knock.IdentifyUser}, ""},
		"a body that is too large":                {knock.Error{Status: http.StatusRequestEntityTooLarge}, "256 kB"},
		"properties that are too large":           {knock.Error{Status: 422}, "256 kB"},
		"a limit":                                 {knock.Error{Status: 429}, "rateLimits"},
		"a redirect":                              {knock.Error{Status: 302}, "baseURL"},
		"a success that does not come from Knock": {knock.Error{Status: 200}, "baseURL"},
		"a server error has no hint":              {knock.Error{Status: 503}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.err.Hint()
			if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
