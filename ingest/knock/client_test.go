// SPDX-License-Identifier: Apache-2.0

package knock_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock"
	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

func client(url string) *knock.Client {
	return knock.New(knock.Config{BaseURL: url, APIKey: func() string { return knocktest.APIKey }, UserAgent: "doorbell/test"})
}

// must returns the request and fails the test if there is an error.
func must(t *testing.T, request knock.Request, err error) knock.Request {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// every returns one request for each endpoint, in an order in which Knock accepts them all.
func every(t *testing.T) []knock.Request {
	t.Helper()
	recipients := []byte(`{"recipients":["u1"]}`)
	members := []byte(`{"members":[{"user":{"id":"u1"}}]}`)
	var all []knock.Request
	for _, made := range []made{
		of(knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{"name":"Ann","age":36.60}`), "u1")),
		of(knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{}`), "u2")),
		of(knock.NewRequestWithBody(knock.MergeUser, []byte(`{"from_user_id":"u2"}`), "u1")),
		of(knock.NewRequestWithBody(knock.SetObject, []byte(`{"name":"first"}`), "orders", "o1")),
		of(knock.NewRequestWithBody(knock.SetTenant, []byte(`{"name":"Acme"}`), "t1")),
		of(knock.NewRequestWithBody(knock.Subscribe, recipients, "orders", "o1")),
		of(knock.NewRequestWithBody(knock.Unsubscribe, recipients, "orders", "o1")),
		newAudience("vip", members),
		of(knock.NewRequestWithBody(knock.RemoveAudienceMember, members, "vip")),
		of(knock.NewRequestWithBody(knock.CancelWorkflow, []byte(`{"cancellation_key":"c1"}`), "order")),
		trigger("order", "k1", recipients),
		of(knock.NewRequest(knock.DeleteObject, "orders", "o1")),
		of(knock.NewRequest(knock.DeleteTenant, "t1")),
		of(knock.NewRequest(knock.DeleteUser, "u1")),
		of(knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "u3", Body: []byte(`{}`)}})),
		of(knock.GetBulkOperation("00000000-0000-4000-8000-000000000002")),
	} {
		all = append(all, must(t, made.request, made.err))
	}
	return all
}

func TestKnockAcceptsEveryCall(t *testing.T) {
	fake := knocktest.New(t)
	caller := client(fake.URL)
	for index, request := range every(t) {
		response, err := caller.Do(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		call := fake.Calls()[index]
		want := knocktest.Call{
			Seq: index + 1, Method: request.Method, Path: request.Path, Endpoint: request.Endpoint, Body: string(request.Body),
			Header: map[string]string{"accept": "application/json", "user-agent": "doorbell/test"}, Status: response.Status, At: call.At,
		}
		if request.Body != nil {
			want.Header["content-type"] = "application/json"
		}
		if request.Endpoint == knock.TriggerWorkflow {
			want.Header["idempotency-key"] = "k1"
		}
		if diff := cmp.Diff(want, call); diff != "" {
			t.Errorf("%s (-want +got)\n%s", request.Endpoint, diff)
		}
	}
}

func TestAnIDArrivesUnchanged(t *testing.T) {
	fake := knocktest.New(t)
	for _, id := range []string{"100%", "a b", "é", "a?x=1", "a;b", "...", "%2e%2e", "a%2Fb", `a\b`, "a+b@example.com", "a&b=c", "~:@$'()*,"} {
		request, err := knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{}`), id)
		if _, err := client(fake.URL).Do(t.Context(), must(t, request, err)); err != nil {
			t.Errorf("%q: %v", id, err)
		}
		if _, ok := fake.State().Users[id]; !ok {
			t.Errorf("%q did not arrive", id)
		}
	}
}

func TestTheClientSendsTheCurrentKeyAndTheBranch(t *testing.T) {
	fake := knocktest.New(t)
	key := "sk_wrong"
	caller := knock.New(knock.Config{BaseURL: fake.URL, Branch: "feature-1", APIKey: func() string { return key }})
	request, err := knock.NewRequest(knock.DeleteUser, "u1")
	request = must(t, request, err)

	_, err = caller.Do(t.Context(), request)
	if rejected, ok := errors.AsType[*knock.Error](err); !ok || rejected.Status != http.StatusUnauthorized {
		t.Errorf("got %v, want 401", err)
	}
	key = knocktest.APIKey + "\n" // files usually end with a line break
	if _, err := caller.Do(t.Context(), request); err != nil {
		t.Error(err)
	}
	if got := fake.Calls()[1].Header["x-knock-branch"]; got != "feature-1" {
		t.Errorf("branch %q", got)
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	var followed []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		followed = append(followed, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	fake := knocktest.New(t)
	fake.Respond(func(knocktest.Call) *knocktest.Answer {
		return &knocktest.Answer{Status: http.StatusTemporaryRedirect, Header: map[string]string{"Location": other.URL}}
	})
	for name, own := range map[string]http.RoundTripper{"its own transport": nil, "a given transport": http.DefaultTransport} {
		caller := knock.New(knock.Config{BaseURL: fake.URL, Transport: own, APIKey: func() string { return knocktest.APIKey }})
		for _, request := range every(t) {
			_, err := caller.Do(t.Context(), request)
			rejected, ok := errors.AsType[*knock.Error](err)
			if !ok || rejected.Status != http.StatusTemporaryRedirect || !rejected.Temporary() || !strings.Contains(rejected.Hint(), "baseURL") {
				t.Errorf("%s, %s: %v", name, request.Endpoint, err)
			}
		}
	}
	if followed != nil {
		t.Errorf("the client sent the key to another host: %q", followed)
	}
}

func TestAnErrorWithoutAResponseIsNotAnErrorOfKnock(t *testing.T) {
	fake := knocktest.New(t)
	fake.Respond(func(knocktest.Call) *knocktest.Answer { return &knocktest.Answer{Drop: true} })
	request, err := knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{}`), "secret-user")
	request = must(t, request, err)

	_, err = client(fake.URL).Do(t.Context(), request)
	if _, ok := errors.AsType[*knock.Error](err); err == nil || ok || strings.Contains(err.Error(), "secret-user") {
		t.Errorf("a dropped connection: %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(fake.URL).Do(canceled, request); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context: %v", err)
	}
	spoiled := knock.New(knock.Config{BaseURL: fake.URL, APIKey: func() string { return "sk_one\nsk_two" }})
	if _, err := spoiled.Do(t.Context(), request); err == nil || strings.Contains(err.Error(), "sk_") {
		t.Errorf("an invalid key: %v", err)
	}
	request.Path = ".evil.example/v1/users/u1"
	if _, err := client(fake.URL).Do(t.Context(), request); err == nil {
		t.Error("the client accepted a path that names another host")
	}
	if calls := len(fake.Calls()); calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
}

func TestTheClientReadsABoundedPartOfAResponse(t *testing.T) {
	for name, test := range map[string]struct {
		size int
		want int // number of connections for two calls
	}{
		"the client reads a large response to its end":            {size: 200 << 10, want: 1},
		"the client closes the connection of an endless response": {size: 10 << 20, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			connections := map[string]bool{}
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				connections[r.RemoteAddr] = true
				_, _ = fmt.Fprintf(w, "{%s}", strings.Repeat(" ", test.size))
			}))
			defer server.Close()
			caller := client(server.URL)
			request, err := knock.NewRequest(knock.DeleteUser, "u1")
			for range 2 {
				response, err := caller.Do(t.Context(), must(t, request, err))
				if err != nil || len(response.Excerpt) != 1024 {
					t.Errorf("excerpt of %d bytes: %v", len(response.Excerpt), err)
				}
			}
			if len(connections) != test.want {
				t.Errorf("%d connections, want %d", len(connections), test.want)
			}
		})
	}
}

func TestABulkIdentifyCompletesAfterSeveralPolls(t *testing.T) {
	fake := knocktest.New(t, knocktest.WithFailedRows("u2"))
	caller := client(fake.URL)
	request, err := knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "u1", Body: []byte(`{"name":"Ann"}`)}, {ID: "u2", Body: []byte(`{}`)}})
	operation, _, err := caller.DoBulk(t.Context(), must(t, request, err))
	var statuses []knock.BulkStatus
	for err == nil && !operation.Done() {
		statuses = append(statuses, operation.Status)
		request, err = knock.GetBulkOperation(operation.ID)
		operation, _, err = caller.DoBulk(t.Context(), must(t, request, err))
	}
	if err != nil {
		t.Fatal(err)
	}
	want := knock.BulkOperation{
		ID: operation.ID, Status: knock.BulkCompleted, EstimatedTotal: 2, Processed: 2, Succeeded: 1, Failed: 1,
		FailedRows: []knock.BulkRow{{ID: "u2"}},
	}
	if diff := cmp.Diff(want, operation); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]knock.BulkStatus{knock.BulkQueued, knock.BulkProcessing}, statuses); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestABulkOperationNamesTheRowsThatKnockSkips(t *testing.T) {
	fake := knocktest.New(t, knocktest.WithSkippedRows("u1", "u3"))
	caller := client(fake.URL)
	request, err := knock.BulkIdentifyUsers([]knock.BulkUser{
		{ID: "u1", Body: []byte(`{}`)}, {ID: "u2", Body: []byte(`{}`)}, {ID: "u3", Body: []byte(`{}`)},
	})
	operation, _, err := caller.DoBulk(t.Context(), must(t, request, err))
	if diff := cmp.Diff([]string{"u1", "u3"}, operation.Skipped); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestAResponseHasTheDurationOfTheCall(t *testing.T) {
	fake := knocktest.New(t)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	caller := knock.New(knock.Config{BaseURL: fake.URL, APIKey: func() string { return knocktest.APIKey }, Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})
	request, err := knock.NewRequest(knock.DeleteUser, "u1")
	response, err := caller.Do(t.Context(), must(t, request, err))
	if diff := cmp.Diff(knock.Response{Status: 204, Took: time.Second}, response); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}
