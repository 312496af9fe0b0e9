// SPDX-License-Identifier: Apache-2.0

package knock_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/doorbell-dev/doorbell/ingest/knock"
)

// made is the result of a constructor.
type made struct {
	request knock.Request
	err     error
}

func of(request knock.Request, err error) made { return made{request, err} }

func trigger(workflow, idempotencyKey string, body []byte) made {
	request, err := knock.NewRequestWithBody(knock.TriggerWorkflow, body, workflow)
	if err != nil {
		return made{request, err}
	}
	return of(request.WithIdempotencyKey(idempotencyKey))
}

// newAudience adds members to an audience that Knock creates if it does not exist.
func newAudience(audience string, body []byte) made {
	request, err := knock.NewRequestWithBody(knock.AddAudienceMember, body, audience)
	request.Path += "?create_audience=true"
	return made{request, err}
}

func TestARequestHasTheSameBytesAfterItWasStored(t *testing.T) {
	body := []byte(`{ "a": 1.50, "b": "<é&>" }`)
	frozen := json.RawMessage(`{"a":1.50,"b":"<é&>"}`)
	for name, test := range map[string]struct {
		got  made
		want knock.Request
	}{
		"identify a user": {
			of(knock.NewRequestWithBody(knock.IdentifyUser, body, "u 1")),
			knock.Request{Endpoint: knock.IdentifyUser, Method: http.MethodPut, Path: "/v1/users/u%201", Body: frozen},
		},
		"delete a user": {
			of(knock.NewRequest(knock.DeleteUser, "u1")),
			knock.Request{Endpoint: knock.DeleteUser, Method: http.MethodDelete, Path: "/v1/users/u1"},
		},
		"merge a user": {
			of(knock.NewRequestWithBody(knock.MergeUser, []byte(`{"from_user_id":"a\"b"}`), "u1")),
			knock.Request{
				Endpoint: knock.MergeUser, Method: http.MethodPost, Path: "/v1/users/u1/merge",
				Body: json.RawMessage(`{"from_user_id":"a\"b"}`),
			},
		},
		"set an object": {
			of(knock.NewRequestWithBody(knock.SetObject, body, "$orders", "o1")),
			knock.Request{Endpoint: knock.SetObject, Method: http.MethodPut, Path: "/v1/objects/$orders/o1", Body: frozen},
		},
		"delete an object": {
			of(knock.NewRequest(knock.DeleteObject, "orders", "o1")),
			knock.Request{Endpoint: knock.DeleteObject, Method: http.MethodDelete, Path: "/v1/objects/orders/o1"},
		},
		"subscribe": {
			of(knock.NewRequestWithBody(knock.Subscribe, body, "orders", "o1")),
			knock.Request{
				Endpoint: knock.Subscribe, Method: http.MethodPost, Path: "/v1/objects/orders/o1/subscriptions", Body: frozen,
			},
		},
		"unsubscribe": {
			of(knock.NewRequestWithBody(knock.Unsubscribe, body, "orders", "o1")),
			knock.Request{
				Endpoint: knock.Unsubscribe, Method: http.MethodDelete, Path: "/v1/objects/orders/o1/subscriptions", Body: frozen,
			},
		},
		"set a tenant": {
			of(knock.NewRequestWithBody(knock.SetTenant, body, "t1")),
			knock.Request{Endpoint: knock.SetTenant, Method: http.MethodPut, Path: "/v1/tenants/t1", Body: frozen},
		},
		"delete a tenant": {
			of(knock.NewRequest(knock.DeleteTenant, "t1")),
			knock.Request{Endpoint: knock.DeleteTenant, Method: http.MethodDelete, Path: "/v1/tenants/t1"},
		},
		"add members to an audience that exists": {
			of(knock.NewRequestWithBody(knock.AddAudienceMember, body, "vip")),
			knock.Request{Endpoint: knock.AddAudienceMember, Method: http.MethodPost, Path: "/v1/audiences/vip/members", Body: frozen},
		},
		"add members to an audience that may not exist": {
			newAudience("vip", body),
			knock.Request{
				Endpoint: knock.AddAudienceMember, Method: http.MethodPost,
				Path: "/v1/audiences/vip/members?create_audience=true", Body: frozen,
			},
		},
		"remove members": {
			of(knock.NewRequestWithBody(knock.RemoveAudienceMember, body, "vip")),
			knock.Request{
				Endpoint: knock.RemoveAudienceMember, Method: http.MethodDelete, Path: "/v1/audiences/vip/members", Body: frozen,
			},
		},
		"cancel a workflow": {
			of(knock.NewRequestWithBody(knock.CancelWorkflow, body, "order")),
			knock.Request{Endpoint: knock.CancelWorkflow, Method: http.MethodPost, Path: "/v1/workflows/order/cancel", Body: frozen},
		},
		"trigger a workflow": {
			trigger("order", "k1", body),
			knock.Request{
				Endpoint: knock.TriggerWorkflow, Method: http.MethodPost, Path: "/v1/workflows/order/trigger",
				Body: frozen, IdempotencyKey: "k1",
			},
		},
		"identify users in bulk, each with its ID": {
			of(knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "u1", Body: body}, {ID: "u2", Body: []byte("{ }")}})),
			knock.Request{
				Endpoint: knock.BulkIdentify, Method: http.MethodPost, Path: "/v1/users/bulk/identify",
				Body: json.RawMessage(`{"users":[{"a":1.50,"b":"<é&>","id":"u1"},{"id":"u2"}]}`),
			},
		},
		"ask for a bulk operation": {
			of(knock.GetBulkOperation("b1")),
			knock.Request{Endpoint: knock.BulkOperationStatus, Method: http.MethodGet, Path: "/v1/bulk_operations/b1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.got.err != nil {
				t.Fatal(test.got.err)
			}
			if diff := cmp.Diff(test.want, test.got.request); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.got.request, stored(t, stored(t, test.got.request))); diff != "" {
				t.Errorf("storing the request changed it (-before +after)\n%s", diff)
			}
		})
	}
}

// stored returns the request after it was encoded and decoded, as for Redis.
func stored(t *testing.T, request knock.Request) knock.Request {
	t.Helper()
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(request); err != nil {
		t.Fatal(err)
	}
	var decoded knock.Request
	if err := json.Unmarshal(encoded.Bytes(), &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestCheckIDRejectsWhatKnockRejects(t *testing.T) {
	for id, want := range map[string]string{
		"u1": "", "a b": "", "100%": "", "é": "", "a?x=1": "", "a;b": "", "a+b@example.com": "", "...": "", "%2e%2e": "", `a\b`: "",
		strings.Repeat("a", 256): "",
		"":                       "is empty",
		".":                      `is ".", which has a special meaning in a URL`,
		"..":                     `is "..", which has a special meaning in a URL`,
		"../tenants/t1":          `contains "/" or "#", which Knock does not accept`,
		"a/b":                    `contains "/" or "#", which Knock does not accept`,
		"a#b":                    `contains "/" or "#", which Knock does not accept`,
		"a\nb":                   "contains a control character",
		"a\u0085b":               "contains a control character",
		"\xff":                   "is not valid UTF-8",
		strings.Repeat("a", 257): "has 257 bytes; Knock accepts at most 256",
		strings.Repeat("é", 200): "has 400 bytes; Knock accepts at most 256",
	} {
		var got string
		if invalid, ok := errors.AsType[*knock.IDError](knock.CheckID("user", id)); ok {
			got = invalid.Reason
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", id, got, want)
		}
	}
}

func TestAnIDErrorNamesTheInvalidID(t *testing.T) {
	body := []byte("{}")
	for name, test := range map[string]struct {
		got  made
		want string
	}{
		"user to identify":    {of(knock.NewRequestWithBody(knock.IdentifyUser, body, "..")), "user"},
		"user to delete":      {of(knock.NewRequest(knock.DeleteUser, "a/b")), "user"},
		"user to merge into":  {of(knock.NewRequestWithBody(knock.MergeUser, body, "")), "user"},
		"user to merge":       {of(knock.Request{}, knock.CheckID("fromUser", "a#b")), "fromUser"},
		"collection":          {of(knock.NewRequestWithBody(knock.SetObject, body, "..", "o1")), "collection"},
		"object":              {of(knock.NewRequest(knock.DeleteObject, "orders", ".")), "object"},
		"object to follow":    {of(knock.NewRequestWithBody(knock.Subscribe, body, "orders", "")), "object"},
		"object to unfollow":  {of(knock.NewRequestWithBody(knock.Unsubscribe, body, "a/b", "o1")), "collection"},
		"tenant to set":       {of(knock.NewRequestWithBody(knock.SetTenant, body, "a/b")), "tenant"},
		"tenant to delete":    {of(knock.NewRequest(knock.DeleteTenant, "..")), "tenant"},
		"audience to fill":    {of(knock.NewRequestWithBody(knock.AddAudienceMember, body, "a/b")), "audience"},
		"audience to empty":   {of(knock.NewRequestWithBody(knock.RemoveAudienceMember, body, "")), "audience"},
		"workflow to cancel":  {of(knock.NewRequestWithBody(knock.CancelWorkflow, body, "../x")), "workflow"},
		"workflow to trigger": {trigger("..", "k", body), "workflow"},
		"row of a bulk call":  {of(knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "a/b", Body: body}})), "user"},
		"bulk operation":      {of(knock.GetBulkOperation("a/b")), "bulkOperation"},
	} {
		t.Run(name, func(t *testing.T) {
			invalid, ok := errors.AsType[*knock.IDError](test.got.err)
			if !ok || invalid.Field != test.want {
				t.Errorf("got %v, want an IDError for %s", test.got.err, test.want)
			}
		})
	}
}

func TestInvalidRequestsAreRejected(t *testing.T) {
	for name, test := range map[string]made{
		"a list as the body":                      of(knock.NewRequestWithBody(knock.IdentifyUser, []byte(`[]`), "u1")),
		"an empty body":                           of(knock.NewRequestWithBody(knock.IdentifyUser, nil, "u1")),
		"a body that is not UTF-8":                of(knock.NewRequestWithBody(knock.IdentifyUser, []byte("{\"a\":\"\xff\"}"), "u1")),
		"a truncated body":                        of(knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{"a":`), "u1")),
		"two bodies":                              of(knock.NewRequestWithBody(knock.IdentifyUser, []byte(`{}{}`), "u1")),
		"an idempotency key of 256 characters":    trigger("w", strings.Repeat("k", 256), []byte(`{}`)),
		"an idempotency key with a line break":    trigger("w", "a\nb", []byte(`{}`)),
		"an idempotency key that is not ASCII":    trigger("w", "é", []byte(`{}`)),
		"a bulk call without users":               of(knock.BulkIdentifyUsers(nil)),
		"a bulk call with 1001 users":             of(knock.BulkIdentifyUsers(make([]knock.BulkUser, 1001))),
		"a bulk call with a row that is a string": of(knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "u1", Body: []byte(`"x"`)}})),
	} {
		t.Run(name, func(t *testing.T) {
			if test.err == nil {
				t.Errorf("no error for %+v", test.request)
			}
		})
	}
}

// FuzzARequestHasTheSameBytesAfterItWasStored compares a request with its stored form, and its body with the output of
// encoding/json.
func FuzzARequestHasTheSameBytesAfterItWasStored(f *testing.F) {
	for _, body := range []string{
		"{}", ` { "a" : [ 1.0 , 1e400 , 12345678901234567890 ] } `, "{\"<b>&\":\"\u2028 \\u2028 \\\" \\\\\"}", `{"a":1,"a":{"a":-0}}`,
		"{\"a\":\"\\ud800\\u003c\"}", "[]", "{\"a\":\"\xff\"}", `{"a":`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		original := bytes.Clone(body)
		request, err := knock.NewRequestWithBody(knock.IdentifyUser, body, "u1")
		if err != nil {
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, original); err != nil || want.String() != string(request.Body) {
			t.Errorf("got %q, want %q: %v", request.Body, want.String(), err)
		}
		if diff := cmp.Diff(request, stored(t, stored(t, request))); diff != "" {
			t.Errorf("storing the request changed it (-before +after)\n%s", diff)
		}
		if _, err := knock.BulkIdentifyUsers([]knock.BulkUser{{ID: "u1", Body: body}}); err != nil || !bytes.Equal(body, original) {
			t.Errorf("a bulk call changed the body to %q: %v", body, err)
		}
	})
}

// FuzzID checks that no ID turns a call into another call.
func FuzzID(f *testing.F) {
	for _, id := range []string{"u1", "100%", "a b", "é", "a?x=1", "a;b", "..", "../tenants/t1", "%2e%2e", "a%2Fb", "a\r\nHost: x", "a+b", "a&b=c"} {
		f.Add(id)
	}
	f.Fuzz(func(t *testing.T, id string) {
		request, err := knock.NewRequestWithBody(knock.MergeUser, []byte(`{"from_user_id":"u2"}`), id)
		if err != nil {
			return
		}
		parsed, err := url.ParseRequestURI(request.Path)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(parsed.EscapedPath(), "/")
		plain, err := url.PathUnescape(parts[3])
		want := []string{"", "v1", "users", parts[3], "merge"}
		if diff := cmp.Diff(want, parts); diff != "" || err != nil || plain != id || parsed.RawQuery != "" {
			t.Errorf("%q became %q: %v %s", id, request.Path, err, diff)
		}
		if cleaned := parsed.JoinPath().EscapedPath(); cleaned != request.Path {
			t.Errorf("%q becomes %q when cleaned", request.Path, cleaned)
		}
	})
}
