// SPDX-License-Identifier: Apache-2.0

package knocktest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func TestATestCanPrescribeTheResponse(t *testing.T) {
	for name, test := range map[string]struct {
		answer *knocktest.Answer
		status int
		users  int
	}{
		"none, so that the fake responds":                 {nil, 200, 1},
		"instead of executing the call":                   {&knocktest.Answer{Status: 503, Body: "busy"}, 503, 0},
		"after executing the call":                        {&knocktest.Answer{Status: 503, After: true}, 503, 1},
		"the fake's own, after executing the call":        {&knocktest.Answer{After: true}, 200, 1},
		"a closed connection, without executing the call": {&knocktest.Answer{Drop: true}, knocktest.Dropped, 0},
		"a closed connection, after executing the call":   {&knocktest.Answer{Drop: true, After: true}, knocktest.Dropped, 1},
		"the fake's own, after a delay":                   {&knocktest.Answer{Hold: closed()}, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			fake := knocktest.New(t)
			fake.Respond(func(knocktest.Call) *knocktest.Answer { return test.answer })
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, fake.URL+"/v1/users/u1", strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+knocktest.APIKey)
			request.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				_ = response.Body.Close()
			}
			if dropped := test.status == knocktest.Dropped; (err != nil) != dropped || !dropped && response.StatusCode != test.status {
				t.Errorf("got the response %v, %v", response, err)
			}
			if got := fake.Calls()[0].Status; got != test.status || len(fake.State().Users) != test.users {
				t.Errorf("status %d, users %v", got, fake.State().Users)
			}
		})
	}
}

func closed() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

func TestWaitReturnsWhenACallArrivesAndWhenItGetsItsResponse(t *testing.T) {
	fake := knocktest.New(t)
	release := make(chan struct{})
	fake.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Hold: release} })
	var sender sync.WaitGroup
	sender.Go(func() { send(t, fake, http.MethodPut, "/v1/users/u1", `{}`) })

	if err := fake.Wait(t.Context(), func(calls []knocktest.Call) bool { return len(calls) == 1 && calls[0].Status == 0 }); err != nil {
		t.Error(err)
	}
	close(release)
	if err := fake.Wait(t.Context(), knocktest.Answered(1)); err != nil {
		t.Error(err)
	}
	sender.Wait()
	ended, end := context.WithCancel(t.Context())
	end()
	if err := fake.Wait(ended, knocktest.Answered(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestHistoryKeepsOnlyTheLatestCalls(t *testing.T) {
	fake := knocktest.New(t, knocktest.WithHistory(2))
	for range 5 {
		play(t, fake, step{"POST", "/v1/workflows/order/trigger", `{"recipients":["u1"]}`})
	}
	var got []int
	for _, call := range fake.Calls() {
		got = append(got, call.Seq, call.Status)
	}
	if diff := cmp.Diff([]int{4, 200, 5, 200}, got); diff != "" || len(fake.State().Runs) != 2 {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheAPIKeyCanChange(t *testing.T) {
	fake := knocktest.New(t)
	fake.SetAPIKey("sk_new")
	if status, _ := send(t, fake, http.MethodDelete, "/v1/users/u1", ``); status != http.StatusUnauthorized {
		t.Errorf("the old key: %d", status)
	}
	response := exchange(t, fake, http.MethodDelete, "/v1/users/u1", ``, "Authorization", "Bearer sk_new")
	if answer, err := io.ReadAll(response.Body); response.StatusCode != http.StatusNoContent || err != nil || len(answer) > 0 {
		t.Errorf("the new key: %d %s %v", response.StatusCode, answer, err)
	}
}
