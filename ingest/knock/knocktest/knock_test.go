// SPDX-License-Identifier: Apache-2.0

package knocktest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock/knocktest"
)

// send makes a call without the checks of knock.Client. header contains the name of a header, its value, the next name,
// and so on.
func send(t *testing.T, fake *knocktest.Server, method, path, body string, header ...string) (int, string) {
	t.Helper()
	response := exchange(t, fake, method, path, body, header...)
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

func exchange(t *testing.T, fake *knocktest.Server, method, path, body string, header ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, fake.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+knocktest.APIKey)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for index := 0; index+1 < len(header); index += 2 {
		request.Header.Set(header[index], header[index+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func TestTheFakeRejectsInvalidRequests(t *testing.T) {
	const identify, trigger, recipients = "/v1/users/u1", "/v1/workflows/order/trigger", `{"recipients":["u1"]}`
	for name, test := range map[string]struct {
		method, path, body string
		header             []string
		status             int
		code               string
	}{
		"an unknown path":                   {"PUT", "/v1/nothing/u1", `{}`, nil, 404, "resource_missing"},
		"a path without the version":        {"PUT", "/users/u1", `{}`, nil, 404, "resource_missing"},
		"another method":                    {"PATCH", identify, `{}`, nil, 405, "method_not_allowed"},
		"no key":                            {"PUT", identify, `{}`, []string{"Authorization", ""}, 401, "api_key_missing"},
		"another key":                       {"PUT", identify, `{}`, []string{"Authorization", "Bearer x"}, 401, "authentication_required"},
		"another scheme":                    {"PUT", identify, `{}`, []string{"Authorization", "Basic " + knocktest.APIKey}, 401, "authentication_required"},
		"a body that is not JSON":           {"PUT", identify, `{"a":`, nil, 400, "invalid_request"},
		"two bodies":                        {"PUT", identify, `{}{}`, nil, 400, "invalid_request"},
		"no body":                           {"PUT", identify, ``, []string{"Content-Type", "application/json"}, 400, "invalid_request"},
		"an unexpected body":                {"DELETE", identify, `{}`, nil, 400, "invalid_request"},
		"a form":                            {"PUT", identify, `a=b`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"},
		"an unknown parameter":              {"PUT", identify + "?x=1", `{}`, nil, 422, "invalid_params"},
		"a parameter that is not a boolean": {"POST", "/v1/audiences/vip/members?create_audience=1", `{"members":[]}`, nil, 422, "invalid_params"},
		"an ID with a slash":                {"PUT", "/v1/users/a%2Fb", `{}`, nil, 422, "invalid_params"},
		"an ID with a hash":                 {"PUT", "/v1/users/a%23b", `{}`, nil, 422, "invalid_params"},
		"an ID of 257 characters":           {"PUT", "/v1/users/" + strings.Repeat("a", 257), `{}`, nil, 422, "invalid_params"},
		"a recipient with a slash":          {"POST", trigger, `{"recipients":["a/b"]}`, nil, 422, "invalid_params"},
		"a trigger without recipients":      {"POST", trigger, `{"recipients":[]}`, nil, 422, "invalid_params"},
		"1001 recipients":                   {"POST", trigger, many("recipients", `"u1"`, 1001), nil, 422, "invalid_params"},
		"101 subscribers":                   {"POST", "/v1/objects/c/o/subscriptions", many("recipients", `"u1"`, 101), nil, 422, "invalid_params"},
		"1001 members":                      {"POST", "/v1/audiences/vip/members", many("members", `{"user":{"id":"u1"}}`, 1001), nil, 422, "invalid_params"},
		"1001 users":                        {"POST", "/v1/users/bulk/identify", many("users", `{"id":"u1"}`, 1001), nil, 422, "invalid_params"},
		"two rows of one user":              {"POST", "/v1/users/bulk/identify", many("users", `{"id":"u1"}`, 2), nil, 422, "invalid_params"},
		"properties above 256 kB":           {"PUT", identify, `{"a":"` + strings.Repeat("x", 256<<10) + `"}`, nil, 422, "invalid_params"},
		"a body above 10 MB":                {"POST", trigger, strings.Repeat(" ", 10<<20) + recipients, nil, 413, "request_too_large"},
		"an idempotency key of 256":         {"POST", trigger, recipients, []string{"Idempotency-Key", strings.Repeat("k", 256)}, 400, "invalid_request"},
		"an unknown workflow":               {"POST", "/v1/workflows/other/trigger", recipients, nil, 404, "workflow_missing"},
		"an unknown actor":                  {"POST", trigger, `{"recipients":["u1"],"actor":"u9"}`, nil, 404, "actor_missing"},
		"an unknown audience":               {"POST", "/v1/audiences/new/members", `{"members":[{"user":{"id":"u1"}}]}`, nil, 404, "resource_missing"},
		"an unknown bulk operation":         {"GET", "/v1/bulk_operations/b1", ``, nil, 404, "resource_missing"},
		"a merge of an unknown user":        {"POST", identify + "/merge", `{"from_user_id":"u2"}`, nil, 404, "resource_missing"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := knocktest.New(t, knocktest.WithWorkflows("order"), knocktest.WithAudiences("vip"))
			before := fake.State()
			status, answer := send(t, fake, test.method, test.path, test.body, test.header...)
			if status != test.status || !strings.Contains(answer, `"code":"`+test.code+`"`) {
				t.Errorf("the response is %d %s", status, answer)
			}
			if diff := cmp.Diff(before, fake.State()); diff != "" {
				t.Errorf("the rejected request changed the state (-before +after)\n%s", diff)
			}
			if got := fake.Calls()[0].Status; got != status {
				t.Errorf("the recorded status is %d, the real one %d", got, status)
			}
		})
	}
}

func many(field, item string, count int) string {
	return `{"` + field + `":[` + strings.Repeat(item+",", count-1) + item + `]}`
}

func TestAPathWithAnEmptyOrDotSegmentIsRejected(t *testing.T) {
	for _, path := range []string{
		"//v1/users/u1", "/v1//users/u1", "/v1/users/", "/v1/users/../tenants/t1", "/v1/users/./u1", "/v1/users/%2e%2e", "/v1/users/.",
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/", strings.NewReader(`{}`))
		request.RequestURI = path
		answer := httptest.NewRecorder()
		knocktest.Handler().ServeHTTP(answer, request)
		if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), "unclean_path") {
			t.Errorf("%s: %d %s", path, answer.Code, answer.Body)
		}
	}
}

func TestARejectionHasTheFormatOfKnocksErrors(t *testing.T) {
	fake := knocktest.New(t)
	_, answer := send(t, fake, http.MethodPut, "/v1/users/u1", `{"name":1}`)
	want := `{"code":"invalid_params","message":"the parameters are invalid",` +
		`"errors":[{"field":"name","message":"must be of type string","type":null}],"status":422,"type":"invalid_request_error"}`
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
