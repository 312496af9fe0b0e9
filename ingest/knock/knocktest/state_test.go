// SPDX-License-Identifier: Apache-2.0

package knocktest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// step is a call that the fake must accept.
type step struct{ method, path, body string }

func play(t *testing.T, fake *knocktest.Server, steps ...step) {
	t.Helper()
	for _, s := range steps {
		if status, answer := send(t, fake, s.method, s.path, s.body); status >= http.StatusMultipleChoices {
			t.Fatalf("%s %s %s: %d %s", s.method, s.path, s.body, status, answer)
		}
	}
}

func TestCallsChangeTheState(t *testing.T) {
	empty := func(change func(*knocktest.State)) knocktest.State {
		state := knocktest.New(t).State()
		change(&state)
		return state
	}
	properties := func(text string) knocktest.Properties {
		var values knocktest.Properties
		if err := json.Unmarshal([]byte(text), &values); err != nil {
			t.Fatal(err)
		}
		return values
	}
	for name, test := range map[string]struct {
		steps []step
		want  knocktest.State
	}{
		"a second identify is merged into the first, including nested objects and null": {
			[]step{{"PUT", "/v1/users/u1", `{"name":"Ann","a":{"b":"1","c":"2"}}`}, {"PUT", "/v1/users/u1", `{"name":null,"a":{"c":"3"}}`}},
			empty(func(s *knocktest.State) { s.Users["u1"] = properties(`{"name":null,"a":{"b":"1","c":"3"}}`) }),
		},
		"a deleted user no longer exists": {
			[]step{{"PUT", "/v1/users/u1", `{}`}, {"DELETE", "/v1/users/u1", ``}, {"DELETE", "/v1/users/u1", ``}},
			empty(func(*knocktest.State) {}),
		},
		"a merge keeps the properties of the remaining user": {
			[]step{
				{"PUT", "/v1/users/u1", `{"name":"Ann"}`},
				{"PUT", "/v1/users/u2", `{"name":"Bob","plan":"pro"}`},
				{"POST", "/v1/users/u1/merge", `{"from_user_id":"u2"}`},
			},
			empty(func(s *knocktest.State) { s.Users["u1"] = properties(`{"name":"Ann","plan":"pro"}`) }),
		},
		"objects, tenants, audiences and subscriptions": {
			[]step{
				{"PUT", "/v1/objects/orders/o1", `{"name":"first"}`},
				{"PUT", "/v1/tenants/t1", `{"name":"Acme"}`},
				{"POST", "/v1/audiences/vip/members?create_audience=true", `{"members":[{"user":{"id":"u2"}},{"user":{"id":"u1","name":"Ann"}}]}`},
				{"POST", "/v1/objects/orders/o1/subscriptions", `{"recipients":["u1","u2",{"id":"o2","collection":"orders"}],"properties":{"role":"x"}}`},
				{"DELETE", "/v1/objects/orders/o1/subscriptions", `{"recipients":["u2"]}`},
			},
			empty(func(s *knocktest.State) {
				s.Users["u1"] = properties(`{"name":"Ann"}`)
				s.Objects["orders/o1"] = properties(`{"name":"first"}`)
				s.Objects["orders/o2"] = properties(`{}`)
				s.Tenants["t1"] = properties(`{"name":"Acme"}`)
				s.Audiences["vip"] = []string{"u1", "u2"}
				s.Subscriptions["orders/o1"] = map[string]knocktest.Properties{
					"u1": properties(`{"role":"x"}`), "orders/o2": properties(`{"role":"x"}`),
				}
			}),
		},
		"removed objects, tenants and members no longer exist": {
			[]step{
				{"PUT", "/v1/objects/orders/o1", `{}`},
				{"DELETE", "/v1/objects/orders/o1", ``},
				{"PUT", "/v1/tenants/t1", `{}`},
				{"DELETE", "/v1/tenants/t1", ``},
				{"POST", "/v1/audiences/vip/members?create_audience=true", `{"members":[{"user":{"id":"u1"}}]}`},
				{"DELETE", "/v1/audiences/vip/members", `{"members":[{"user":{"id":"u1"}}]}`},
			},
			empty(func(s *knocktest.State) { s.Audiences["vip"] = nil }),
		},
		"a bulk identify changes no users before it is completed": {
			[]step{
				{"POST", "/v1/users/bulk/identify", `{"users":[{"id":"u1","name":"Ann"}]}`},
				{"GET", "/v1/bulk_operations/00000000-0000-4000-8000-000000000001", ``},
			},
			empty(func(*knocktest.State) {}),
		},
		"a bulk identify is completed at the second poll": {
			[]step{
				{"POST", "/v1/users/bulk/identify", `{"users":[{"id":"u1","name":"Ann"}]}`},
				{"GET", "/v1/bulk_operations/00000000-0000-4000-8000-000000000001", ``},
				{"GET", "/v1/bulk_operations/00000000-0000-4000-8000-000000000001", ``},
			},
			empty(func(s *knocktest.State) { s.Users["u1"] = properties(`{"name":"Ann"}`) }),
		},
		"a trigger creates recipients with properties and lists the unknown ones": {
			[]step{{
				"POST", "/v1/workflows/order/trigger",
				`{"recipients":["u1",{"id":"u2","name":"Bob"}],"actor":{"id":"u3"},"tenant":{"id":"t1","name":"Acme"},` +
					`"data":{"total":12.50},"cancellation_key":"c1"}`,
			}},
			empty(func(s *knocktest.State) {
				s.Users["u2"], s.Users["u3"] = properties(`{"name":"Bob"}`), properties(`{}`)
				s.Tenants["t1"] = properties(`{"name":"Acme"}`)
				s.Runs = []knocktest.Run{{
					ID: "00000000-0000-4000-8000-000000000001", Workflow: "order", Recipients: []string{"u1", "u2"}, Unknown: []string{"u1"},
					Actor: "u3", Tenant: "t1", Data: knocktest.Properties{"total": json.Number("12.50")}, CancellationKey: "c1",
				}}
			}),
		},
		"a cancel affects the runs with its key and one of its recipients": {
			[]step{
				{"POST", "/v1/workflows/order/trigger", `{"recipients":["u1"],"cancellation_key":"c1"}`},
				{"POST", "/v1/workflows/order/trigger", `{"recipients":["u1"],"cancellation_key":"c2"}`},
				{"POST", "/v1/workflows/order/cancel", `{"cancellation_key":"c1"}`},
				{"POST", "/v1/workflows/order/cancel", `{"cancellation_key":"c2","recipients":["u9"]}`},
			},
			empty(func(s *knocktest.State) {
				run := knocktest.Run{Workflow: "order", Recipients: []string{"u1"}, Unknown: []string{"u1"}}
				first, second := run, run
				first.ID, first.CancellationKey, first.Canceled = "00000000-0000-4000-8000-000000000001", "c1", true
				second.ID, second.CancellationKey = "00000000-0000-4000-8000-000000000002", "c2"
				s.Runs = []knocktest.Run{first, second}
			}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := knocktest.New(t)
			play(t, fake, test.steps...)
			if diff := cmp.Diff(test.want, fake.State()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// clock is a clock that the test sets.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) read() time.Time { return c.now }

func TestATriggerRunsOnceForAnIdempotencyKey(t *testing.T) {
	clock := newClock()
	fake := knocktest.New(t, knocktest.WithClock(clock.read))
	const path, body = "/v1/workflows/order/trigger", `{"recipients":["u1"]}`
	trigger := func(path, body string) (int, string) {
		return send(t, fake, http.MethodPost, path, body, "Idempotency-Key", "k1")
	}
	if status, _ := trigger(path, `{"recipients":[]}`); status != http.StatusUnprocessableEntity {
		t.Errorf("an invalid trigger: status %d", status)
	}
	_, first := trigger(path, body) // the fake does not remember a rejection
	clock.now = clock.now.Add(24*time.Hour - 1)
	again := exchange(t, fake, http.MethodPost, path, body, "Idempotency-Key", "k1")
	if again.Header.Get("idempotent-replayed") != "true" || again.Header.Get("original-x-request-id") != "request-2" {
		t.Errorf("the headers of a replay: %v", again.Header)
	}
	if _, repeated := trigger(path, body); repeated != first {
		t.Errorf("the first response is %s, the second %s", first, repeated)
	}
	if status, _ := trigger(path, `{"recipients": ["u1"]}`); status != http.StatusBadRequest {
		t.Errorf("another body: status %d", status)
	}
	if status, _ := trigger("/v1/workflows/other/trigger", body); status != http.StatusBadRequest {
		t.Errorf("another workflow: status %d", status)
	}
	if runs := len(fake.State().Runs); runs != 1 || !fake.Calls()[2].Replayed {
		t.Errorf("%d runs after a replay", runs)
	}
	clock.now = clock.now.Add(1)
	trigger(path, body)
	if runs := len(fake.State().Runs); runs != 2 {
		t.Errorf("%d runs after a day", runs)
	}
}

func TestCallsAboveTheRateLimitAreRejected(t *testing.T) {
	clock := newClock()
	fake := knocktest.New(t, knocktest.WithClock(clock.read), knocktest.WithRateLimits(map[knock.Endpoint]int{knock.IdentifyUser: 2}))
	for index, want := range []int{200, 200, 429} {
		answer := exchange(t, fake, http.MethodPut, "/v1/users/u1", `{}`)
		if answer.StatusCode != want || (answer.Header.Get("Retry-After") == "1") != (want == 429) {
			t.Errorf("call %d: %d %v", index+1, answer.StatusCode, answer.Header)
		}
	}
	play(t, fake, step{"DELETE", "/v1/users/u1", ``}) // each endpoint has its own limit
	clock.now = clock.now.Add(time.Second)
	play(t, fake, step{"PUT", "/v1/users/u1", `{}`})
}

func TestTheFakeAndTheEndpointTableHaveTheSameRates(t *testing.T) {
	clock := newClock()
	fake := knocktest.New(t, knocktest.WithClock(clock.read), knocktest.WithRateLimits(nil), knocktest.WithAudiences("vip"))
	for _, sample := range samples() {
		for accepted := int32(0); ; accepted++ {
			status, _ := send(t, fake, sample.method, sample.path, sample.invalid[0])
			calls := fake.Calls()
			if endpoint := calls[len(calls)-1].Endpoint; status == http.StatusTooManyRequests {
				if want := endpoint.Rate(); accepted != want {
					t.Errorf("%s: the fake accepts %d calls a second, the table has %d", endpoint, accepted, want)
				}
				break
			}
		}
	}
}
